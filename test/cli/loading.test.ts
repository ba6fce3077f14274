import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { loadWaiting, toWaitSeconds } from "../../server/cli/loading.ts";
import { aborted } from "../../server/errors.ts";
import { load } from "../../server/protocol/engines.ts";
import type { RunEvent } from "../../server/protocol/run.ts";

const WAITING: RunEvent = { kind: "waiting", engine: "draft", position: 1, why: "game, process 42, holds 20.0 GB" };

/** A client whose request waits until its signal fires. */
function waiting(waitSeconds: number | null, signal: AbortSignal, events: readonly RunEvent[] = [WAITING]) {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const told: RunEvent[] = [];
  const send = (async (...args: readonly unknown[]) => {
    const [definition, , emit, ends] = args as [unknown, unknown, (event: RunEvent) => void, AbortSignal];
    assert.equal(definition, load);
    events.forEach(emit);
    return aborted(ends);
  }) as Parameters<typeof loadWaiting>[1]["client"]["send"];
  const printer = { event: (event: RunEvent) => told.push(event) };
  const done = loadWaiting({ engine: "draft", waitSeconds }, { client: { send }, printer }, signal);
  const notices = () => told.flatMap((it) => (it.kind === "notice" ? [it.message] : []));
  return { done, notices, [Symbol.dispose]: () => mock.timers.reset() };
}

test("who waits for memory hears every so often that he still does, and for what", async () => {
  const stop = new AbortController();
  using it = waiting(null, stop.signal);
  mock.timers.tick(14_999);
  assert.deepEqual(it.notices(), []);
  mock.timers.tick(15_001);
  const said = (seconds: number) =>
    `after ${seconds} s it still waits, it is next: game, process 42, holds 20.0 GB (Ctrl-C ends this)`;
  assert.deepEqual(it.notices(), [said(15), said(30)]);
  stop.abort();
  await assert.rejects(it.done, { code: "cancelled" });
  mock.timers.tick(60_000);
  assert.equal(it.notices().length, 2);
});

test("what loads is not said to wait", async () => {
  const stop = new AbortController();
  using it = waiting(null, stop.signal, [WAITING, { kind: "loading", engine: "draft", model: "Qwen" }]);
  mock.timers.tick(60_000);
  assert.deepEqual(it.notices(), []);
  stop.abort();
  await assert.rejects(it.done);
});

test("--wait ends it with the reason and what to do", async () => {
  using it = waiting(2, new AbortController().signal);
  mock.timers.tick(2_000);
  await assert.rejects(it.done, (error: { code: string; message: string; nextStep: string }) => {
    assert.equal(error.code, "timeout");
    assert.equal(error.message, "draft was not loaded within 2 s: game, process 42, holds 20.0 GB");
    assert.match(error.nextStep, /`tandem gpus`.*--wait/);
    return true;
  });
});

const waits = [
  { given: undefined, want: null },
  { given: "2.5", want: 2.5 },
  { given: "0", want: "bad" },
  { given: "soon", want: "bad" },
  { given: "", want: "bad" },
  { given: "1e9", want: "bad" },
];
for (const { given, want } of waits)
  test(`--wait ${given}`, () => {
    if (want === "bad")
      assert.throws(() => toWaitSeconds({ wait: given }), { code: "bad-input", message: /^--wait: / });
    else assert.equal(toWaitSeconds({ wait: given }), want);
  });
