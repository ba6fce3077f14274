import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Client } from "../../server/cli/client.ts";
import { resetEngines, statusLines, toEngine, toReset } from "../../server/cli/engines.ts";
import { Status } from "../../server/protocol/status.ts";
import { resetBreaker } from "../../server/protocol/traffic.ts";

const GB = 1_024 ** 3;
const model = {
  ...{ id: "m", label: "Qwen 7B", parametersB: 7, quantisation: null, contextTokens: 4_096 },
  ...{ promptStyle: "chat", isTrial: false },
};
const rates = { failures: 0, pid: null, prefillTokensPerSecond: null, decodeTokensPerSecond: null };
const base = {
  roles: ["draft"],
  users: 1,
  kind: "embedded",
  model,
  device: "cuda:0",
  queued: 0,
  isBusy: false,
  ...rates,
};

const seen = Status.parse({
  ...{ pid: 7, version: "1.2.3", running: 1, clients: [], http: null, isDraining: false },
  engines: [
    {
      ...{ ...base, id: "draft", handle: "e1", state: "ready", idleMs: 42_000, isPinned: true },
      memory: [{ device: "GPU-1", bytes: 5.5 * GB, isMeasured: true }],
    },
    { ...base, id: "audit", handle: "e2", state: "idle", queued: 2, waitsFor: "Qwen 7B waits for 2.0 GB on RTX 3090" },
    {
      ...{ ...base, id: "high", handle: "e3", state: "ready", failures: 5 },
      breaker: { state: "open", retryInMs: 4_200, why: "Nothing listens at 127.0.0.1:9" },
    },
    {
      ...{ ...base, id: "low", handle: "e4", state: "ready", failures: 5 },
      breaker: { state: "half-open", retryInMs: null, why: "it hung up" },
    },
  ],
  mainMemory: { totalBytes: 32 * GB, usedBytes: 8 * GB },
});

test("the status names engines, what they hold and what is waited for", () => {
  assert.deepEqual(statusLines(seen), [
    "Orchestrator 7, version 1.2.3; 0 clients, 1 request running; HTTP closed",
    "",
    "engine      model    for    where   state                                        memory",
    "draft (e1)  Qwen 7B  draft  cuda:0  ready, idle 42 s, pinned                     5.5 GB of GPU-1",
    "audit (e2)  Qwen 7B  draft  cuda:0  not loaded, 2 waiting",
    "    waits: Qwen 7B waits for 2.0 GB on RTX 3090",
    "high (e3)   Qwen 7B  draft  cuda:0  ready, failed 5x, gets no requests for 4 s",
    "    held back: Nothing listens at 127.0.0.1:9",
    "low (e4)    Qwen 7B  draft  cuda:0  ready, failed 5x, tried by the next request",
    "    held back: it hung up",
    "",
    "Main memory: 8.0 GB of 32.0 GB used",
  ]);
});

test("reset takes one engine or all of them", () => {
  assert.deepEqual([toReset([]), toReset(["e1"])], [undefined, "e1"]);
  assert.throws(() => toReset(["e1", "e2"]), { code: "bad-input", message: /takes one engine, or none/ });
});

/** What is printed where the orchestrator resets these. */
async function resetOf(reset: readonly string[] | null, json?: "json"): Promise<string> {
  const send = (async (definition: unknown) => (definition === resetBreaker ? { reset } : seen)) as Client["send"];
  const client: Client = { send, [Symbol.asyncDispose]: async () => undefined };
  const out = new PassThrough();
  const site = { clientIfRunning: async () => (reset === null ? null : client) };
  await resetEngines(undefined, { out, isJson: json === "json" }, { site, signal: new AbortController().signal });
  return String(out.read());
}

test("reset names the models that are tried again, and starts nothing for it", async () => {
  assert.equal(await resetOf(["e3"]), "Qwen 7B gets requests again\n");
  assert.equal(await resetOf(["e3", "gone"]), "Qwen 7B and gone get requests again\n");
  assert.equal(await resetOf([]), "No engine was held back: every breaker is closed\n");
  assert.equal(await resetOf(null), "No engine was held back: every breaker is closed\n");
  assert.deepEqual(JSON.parse(await resetOf(["e3"], "json")), { kind: "result", result: { reset: ["e3"] } });
});

for (const words of [[], ["a", "b"]])
  test(`load takes one model, not ${words.length}`, () => {
    assert.throws(() => toEngine("load", words), { code: "bad-input", message: /takes one model/ });
  });
