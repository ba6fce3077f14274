import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createDoor, type DoorState } from "../../extension/door.ts";
import { stopped, TandemFailure } from "../../extension/failure.ts";
import type { ServeEvent } from "../../server/protocol/service.ts";

const taken = new TandemFailure("not-configured", "The port is in use", "Choose another");

/** A door whose orchestrator the test plays. */
function scene(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked: { port: number; signal: AbortSignal; listen(): void; fail(error: Error): void }[] = [];
  const states: DoorState[] = [];
  const reports: string[] = [];
  const waits: { when: string; run(): void }[] = [];
  const door = createDoor({
    serve(port, onListening, signal) {
      const { promise, reject } = Promise.withResolvers<void>();
      const event: ServeEvent = { kind: "listening", url: `http://127.0.0.1:${port}`, keyFile: "key", pid: 1 };
      signal.addEventListener("abort", () => reject(new Error("cancelled")));
      asked.push({ port, signal, listen: () => onListening(event), fail: reject });
      return promise;
    },
    running: (when) => new Promise((resolve) => waits.push({ when, run: resolve })),
    enter: (state) => states.push(state),
    report: (failure) => reports.push(failure.message),
  });
  const newest = () => {
    const request = asked.at(-1);
    assert.ok(request, "nobody was asked");
    return request;
  };
  return {
    door,
    asked,
    states,
    reports,
    waits,
    newest,
    async fail(error: Error) {
      newest().fail(error);
      await settle();
    },
    async pass(ms: number) {
      t.mock.timers.tick(ms);
      await settle();
    },
  };
}

const settle = () => new Promise(setImmediate);
const at = (port: number) => ({ isEnabled: true, port });

test("a door that nobody wants is not asked for", (t) => {
  const { door, asked } = scene(t);
  door.configure({ isEnabled: false, port: 1 });
  assert.equal(asked.length, 0);
});

test("it opens, moves and closes with the settings", async (t) => {
  const { door, asked, newest } = scene(t);
  door.configure(at(1));
  newest().listen();
  assert.equal(door.state.kind === "open" && door.state.at.url, "http://127.0.0.1:1");
  door.configure(at(1));
  assert.equal(asked.length, 1, "the same again changes nothing");
  door.configure(at(2));
  assert.equal(asked[0]?.signal.aborted, true);
  newest().listen();
  await settle();
  assert.equal(door.state.kind === "open" && door.state.at.url, "http://127.0.0.1:2");
  door.configure({ isEnabled: false, port: 2 });
  await settle();
  assert.deepEqual([newest().signal.aborted, door.state.kind], [true, "closed"]);
});

test("a port that is taken is told once, and tried again with the next orchestrator", async (t) => {
  const { door, asked, reports, waits, fail, pass } = scene(t);
  door.configure(at(1));
  for (const tries of [1, 2]) {
    await fail(taken);
    assert.equal(door.state.kind, "refused");
    await pass(1_000);
    assert.equal(waits.at(-1)?.when, "next");
    assert.equal(asked.length, tries);
    waits.at(-1)?.run();
    await settle();
  }
  assert.equal(asked.length, 3);
  assert.deepEqual(reports, ["The port is in use"]);
});

test("an orchestrator that went is no fault of the door's", async (t) => {
  const { door, asked, reports, waits, fail, pass, newest } = scene(t);
  door.configure(at(1));
  newest().listen();
  await fail(stopped("The orchestrator stopped"));
  assert.equal(waits.length, 0, "not at once, or one that keeps dying would be started without end");
  await pass(1_000);
  assert.equal(waits.at(-1)?.when, "now");
  waits.at(-1)?.run();
  await settle();
  newest().listen();
  assert.deepEqual([asked.length, door.state.kind, reports], [2, "open", []]);
});

test("a new wish after a failure is told anew", async (t) => {
  const { door, reports, fail } = scene(t);
  door.configure(at(1));
  await fail(taken);
  door.configure(at(2));
  await fail(taken);
  assert.equal(reports.length, 2);
});

test("a window that goes asks for nothing more", async (t) => {
  const { door, asked, fail, waits, pass } = scene(t);
  door.configure(at(1));
  await fail(taken);
  door.dispose();
  await pass(1_000);
  for (const it of waits) it.run();
  await settle();
  assert.equal(asked.length, 1);
});
