import assert from "node:assert/strict";
import { test } from "node:test";
import { openEndpoint } from "../../server/backends/openai.ts";
import { TandemError } from "../../server/errors.ts";
import type { Engine } from "../../server/ports.ts";
import { silentLog } from "../fakes/log.ts";
import { type FakeLlama, type FakeOptions, startFakeLlama } from "../fakes/openaiServer.ts";
import { createVirtualTime, type VirtualTime } from "../fakes/virtualTime.ts";
import { ask, chatRequest } from "./ask.ts";

const never = new AbortController().signal;
/** A token takes 100 ms. */
const PACE = { prefillPerSecond: 1_000, decodePerSecond: 10 };

interface There extends AsyncDisposable {
  readonly time: VirtualTime;
  readonly fake: FakeLlama;
  readonly engine: Engine;
}

async function there(options: Omit<FakeOptions, "pace">): Promise<There> {
  const time = createVirtualTime();
  const fake = await startFakeLlama({ ...options, pace: { ...PACE, wait: time.wait } });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  const engine = await openEndpoint(spec, { log: silentLog, timing: time }, never);
  return {
    ...{ time, fake, engine },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await fake.close();
    },
  };
}

/** Asks and breaks it off after so many pieces. */
async function brokenOff(engine: Engine, pieces: number, prompt = "q"): Promise<void> {
  for await (const _ of engine.generate(chatRequest(prompt), never)) if (--pieces === 0) return;
}

test("a server that heeds a cancellation is seen to be free at once", async () => {
  await using it = await there({ reply: () => "a b c d e f" });
  await it.time.run(brokenOff(it.engine, 2));
  const ms = await it.time.run(it.engine.settle?.(never) ?? Promise.resolve(Number.NaN));
  assert.ok(ms <= 200, `${ms} ms`);
  assert.equal(it.fake.busySlots(), 0);
});

test("one that does not hear that its client left is waited for until it is done", async () => {
  await using it = await there({ reply: () => ({ text: "a b c d e f g h", isDeaf: true }) });
  await it.time.run(brokenOff(it.engine, 2));
  const ms = await it.time.run(it.engine.settle?.(never) ?? Promise.resolve(Number.NaN));
  assert.ok(ms >= 500 && ms <= 2_000, `${ms} ms, with six tokens of 100 ms to go`);
  assert.equal(it.fake.busySlots(), 0);
});

test("another request of ours does not hold it up", async () => {
  await using it = await there({ reply: ({ prompt }) => (prompt === "long" ? "a ".repeat(400) : "a b c d") });
  const long = ask(it.engine, chatRequest("long"));
  await it.time.run(brokenOff(it.engine, 2));
  const ms = await it.time.run(it.engine.settle?.(never) ?? Promise.resolve(Number.NaN));
  assert.ok(ms <= 200, `${ms} ms`);
  assert.equal(it.fake.busySlots(), 1);
  await it.time.run(long);
});

test("nor does somebody else's work, once something there has ended", async () => {
  await using it = await there({
    slots: 2,
    reply: ({ prompt }) => ({ text: "a ".repeat(prompt === "q" ? 12 : 900), isDeaf: true }),
  });
  const body = JSON.stringify({ messages: [{ role: "user", content: "another's" }], stream: true });
  const other = await fetch(`${it.fake.url}/v1/chat/completions`, { method: "POST", body });
  await it.time.run(brokenOff(it.engine, 2));
  const ms = await it.time.run(it.engine.settle?.(never) ?? Promise.resolve(Number.NaN));
  assert.ok(ms >= 500 && ms < 4_000, `${ms} ms`);
  assert.equal(it.fake.busySlots(), 1);
  await other.body?.cancel();
});

test("who waits no longer says so", async () => {
  await using it = await there({ reply: () => ({ text: "a ".repeat(500), isDeaf: true }) });
  await it.time.run(brokenOff(it.engine, 2));
  const controller = new AbortController();
  const settled = it.engine.settle?.(controller.signal);
  controller.abort();
  await assert.rejects(
    settled ?? Promise.resolve(),
    (error) => error instanceof TandemError && error.code === "cancelled",
  );
});

for (const flavour of ["vllm", "ollama", "plain"] as const)
  test(`${flavour} shows no slots, and nobody claims that it does`, async () => {
    await using it = await there({ flavour, reply: () => "a" });
    assert.equal(it.engine.settle, undefined);
  });

test("hours pass in a moment: a load of two hours and a day's tokens", async () => {
  const time = createVirtualTime();
  const wait = time.wait;
  const pace = { prefillPerSecond: 1, decodePerSecond: 0.01, loadMs: 7_200_000, wait };
  await using fake = await startFakeLlama({ pace, reply: () => "a ".repeat(860) });
  const limits = { firstTokenMs: 8_000_000, idleMs: 200_000, totalMs: 100_000_000 };
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  await using engine = await openEndpoint(spec, { log: silentLog, timing: time, limits }, never);
  const heard = await time.run(ask(engine, chatRequest("q")));
  assert.equal(heard.text, "a ".repeat(860));
  assert.ok(time.nowMs() > 93_000_000, `${time.nowMs()} ms`);
});
