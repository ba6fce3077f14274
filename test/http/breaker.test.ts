import assert from "node:assert/strict";
import { test } from "node:test";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startDoor } from "./door.ts";
import { readMetrics } from "./readMetrics.ts";
import { BEARER } from "./rows.ts";

const CHAT = { model: "auto", messages: [{ role: "user", content: "hi" }] };

test("an engine that is held back is 503 with Retry-After, and health and metrics say so", async () => {
  const page = { kind: "page", contentType: "text/html", body: "<h1>It works</h1>" } as const;
  await using fake = await startFakeLlama({ reply: () => ({ fault: page }) });
  await using door = await startDoor({ draft: { endpoint: fake.url } });
  const post = () =>
    fetch(`${door.url}/v1/chat/completions`, {
      ...{ method: "POST", headers: { ...BEARER, "content-type": "application/json" } },
      body: JSON.stringify(CHAT),
    });
  let answer = await post();
  for (let time = 0; time < 8 && answer.status !== 503; time++) answer = await post();
  assert.equal(answer.status, 503);
  assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
  const { error } = (await answer.json()) as { error: { message: string } };
  assert.match(error.message, /failed repeatedly and gets no requests for \d+ s/);
  const asked = fake.requests.length;
  assert.equal((await post()).status, 503);
  assert.equal(fake.requests.length, asked, "the server hears nothing of it");

  const get = async (path: string) => await (await fetch(door.url + path, { headers: BEARER })).text();
  const health = JSON.parse(await get("/llm/health")) as { status: string; breakers: { state: string }[] };
  assert.equal(health.status, "down");
  assert.deepEqual(
    health.breakers.map((it) => it.state),
    ["open"],
  );
  const { samples } = readMetrics(await get("/metrics"));
  const states = samples.filter((it) => it.name === "tandem_engine_breaker" && it.value === 1);
  assert.deepEqual(
    states.map((it) => it.labels.state),
    ["open"],
  );
  const opened = samples.filter((it) => it.name === "tandem_breaker_changes_total");
  assert.deepEqual(
    opened.map((it) => [it.labels.state, it.value]),
    [["open", 1]],
  );
});
