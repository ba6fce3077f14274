import assert from "node:assert/strict";
import { test } from "node:test";
import { generate, status } from "../../server/protocol/requests.ts";
import { resetBreaker } from "../../server/protocol/traffic.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { failureOf, startOrchestrator, type TestClient } from "./orchestrator.ts";

const ask = (client: TestClient) => client.send(generate, { prompt: "a" });
const breakerOf = async (client: TestClient) => (await client.send(status, {})).engines[0]?.breaker;

test("a server that breaks off again and again is asked no more, which status tells; reset by hand it is asked again", async () => {
  await using orchestrator = await startOrchestrator();
  let isBroken = true;
  await using fake = await startFakeLlama({
    reply: () => (isBroken ? { text: "one two three", fault: { kind: "truncate", after: 1 } } : "well again"),
  });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url }, auditWhen: "never" });
  const codes: string[] = [];
  while (codes.at(-1) !== "disabled" && codes.length < 9) codes.push((await failureOf(ask(client))).code);
  assert.deepEqual(new Set(codes), new Set(["provider", "disabled"]), codes.join());
  const asked = fake.requests.length;
  assert.ok(asked >= 5, `${asked} failures`);
  const { code, isRetryable, details } = await failureOf(ask(client));
  assert.deepEqual([code, isRetryable], ["disabled", true]);
  assert.ok(Number(details?.retryAfterMs) > 0);
  assert.equal(fake.requests.length, asked, "it hears nothing of a request that is refused");
  assert.equal((await breakerOf(client))?.state, "open");

  isBroken = false;
  const [engine] = (await client.send(status, {})).engines;
  assert.deepEqual(await client.send(resetBreaker, { engine: engine?.model.id ?? "" }), { reset: [engine?.handle] });
  assert.deepEqual(await client.send(resetBreaker, {}), { reset: [] });
  assert.equal((await ask(client)).text, "well again");
  assert.deepEqual(await breakerOf(client), { state: "closed", retryInMs: null, why: null });
});

test("a server that turns requests down is not held back for it", async () => {
  await using orchestrator = await startOrchestrator();
  const fault = { kind: "status", status: 400, body: { error: { message: "no" } } } as const;
  await using fake = await startFakeLlama({ reply: () => ({ fault }) });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url }, auditWhen: "never" });
  for (let time = 0; time < 7; time++) assert.notEqual((await failureOf(ask(client))).code, "disabled");
  assert.equal((await breakerOf(client))?.state, "closed");
});
