import assert from "node:assert/strict";
import { test } from "node:test";
import { TandemFailure } from "../../../extension/failure.ts";
import type { OrchestratorState } from "../../../extension/life.ts";
import type { Feed } from "../../../extension/sidebar/feed.ts";
import { decisionOf, engineOf, gpuOf, statusOf } from "../../fakes/statuses.ts";
import { type Sent, stage, stateOf } from "./stage.ts";

const SNAPSHOT = ["tandem/status/follow", "tandem/gpus/history", "tandem/status", "tandem/decisions"];
const download = { model: "Qwen", doneBytes: 1, totalBytes: 2, bytesPerSecond: null, etaMs: null };

/** Everything that follows by itself has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function shown(first?: OrchestratorState["kind"]) {
  const it = stage(first);
  it.feed.show();
  await settled();
  return it;
}

test("before it is shown nothing is asked, followed, read or told", async () => {
  const it = stage();
  it.enter("running");
  it.push(statusOf());
  it.feed.task({ kind: "loading", engine: "a", model: "b" });
  await settled();
  assert.deepEqual([it.methods(), it.kinds(), it.listeners(), it.readings()], [[], [], 0, 0]);
});

test("shown, it asks for everything once and then follows", async () => {
  const it = await shown();
  assert.deepEqual(it.methods(), SNAPSHOT);
  assert.deepEqual(it.kinds(), ["task", "standing", "trouble"]);
  it.of("tandem/gpus/history").answer({
    gpus: [
      {
        uuid: "u",
        name: "n",
        stepMs: 1_000,
        samples: [{ atMs: 1, usedBytes: 2, totalBytes: 3, busyPercent: 4, celsius: 5, powerWatts: 6 }],
      },
    ],
  });
  it.of("tandem/status").answer(statusOf({ gpus: [gpuOf(0)] }));
  it.of("tandem/decisions").answer({ decisions: [decisionOf("a")] });
  await settled();
  assert.deepEqual(it.posted[0], { kind: "history", points: { u: [{ atMs: 1, usedBytes: 2, busyPercent: 4 }] } });
  assert.deepEqual(it.kinds(), ["history", "status", "decisions"]);
  it.push(statusOf());
  it.push(statusOf());
  await settled();
  assert.deepEqual(it.kinds(), ["status", "status"]);
  assert.deepEqual(it.methods(), SNAPSHOT, "and asks no more");
});

test("hidden, it lets go of everything, and says nothing of what comes late", async () => {
  const it = await shown();
  const status = it.of("tandem/status");
  it.kinds();
  it.feed.hide();
  assert.ok(
    it.sent.every(({ signal }) => signal.aborted),
    "every request is given up",
  );
  assert.equal(it.listeners(), 0);
  status.answer(statusOf());
  it.enter("waiting");
  it.enter("running");
  it.push(statusOf());
  it.feed.task({ kind: "downloading", progress: download });
  await settled();
  assert.deepEqual([it.kinds(), it.methods(), it.readings()], [[], SNAPSHOT, 0]);
});

test("hidden before it could begin, it never does", async () => {
  const it = stage();
  it.feed.show();
  it.feed.hide();
  await settled();
  assert.deepEqual([it.methods(), it.listeners()], [[], 0]);
});

test("shown again, it asks again and tells what is being done", async () => {
  const it = await shown();
  void it.feed.act("load", "h1");
  await settled();
  it.of("tandem/engines/load").tell({ kind: "waiting", engine: "h1", position: 2, why: "memory" });
  it.feed.hide();
  it.kinds();
  it.feed.show();
  await settled();
  const stageNow = { kind: "waiting", position: 2, why: "memory" };
  assert.deepEqual(it.posted[0], { kind: "doing", engine: "h1", deed: "load", stage: stageNow });
  assert.deepEqual(it.methods().slice(-SNAPSHOT.length), SNAPSHOT);
  assert.equal(it.listeners(), 2, "no listener twice");
});

for (const kind of ["stopped", "starting", "waiting", "failed"] as const)
  test(`an orchestrator that is ${kind} is asked nothing, so that looking starts none`, async () => {
    const it = await shown(kind);
    assert.deepEqual(it.methods(), []);
    assert.deepEqual(it.posted.at(-1), { kind: "standing", standing: stateOf(kind) });
  });

test("when it dies all is let go, and the next one is asked anew", async () => {
  const it = await shown();
  it.enter("waiting");
  assert.ok(it.sent.every(({ signal }) => signal.aborted));
  it.kinds();
  it.enter("running");
  await settled();
  assert.deepEqual(it.methods(), [...SNAPSHOT, ...SNAPSHOT]);
  assert.deepEqual(it.kinds(), ["standing", "trouble"], "nothing is said of requests that were given up");
});

test("Start asks for it", async () => {
  const it = await shown("stopped");
  const started = it.feed.start();
  await settled();
  assert.deepEqual(it.methods(), ["tandem/status"]);
  it.of("tandem/status").fail(new Error("it cannot be started"));
  await started;
});

test("decisions are asked for again when a request begins or ends", async () => {
  const it = await shown();
  for (const running of [0, 0, 1, 1, 0]) it.push(statusOf({ running }));
  assert.equal(it.methods().filter((method) => method === "tandem/decisions").length, 1 + 2);
});

test("what cannot be had is told with its next step, unless the orchestrator is gone", async () => {
  const it = await shown();
  it.kinds();
  it.of("tandem/decisions").fail(new TandemFailure("stopped", "It stopped", "Run it again"));
  await settled();
  assert.deepEqual(it.kinds(), []);
  it.of("tandem/gpus/history").fail(new TandemFailure("no-space", "The disk is full", "Make room"));
  await settled();
  assert.deepEqual(it.posted, [{ kind: "trouble", trouble: { message: "The disk is full", nextStep: "Make room" } }]);
});

const deeds = [
  { deed: "load", method: "tandem/engines/load", params: { engine: "h1" } },
  { deed: "unload", method: "tandem/engines/unload", params: { engine: "h1" } },
  { deed: "pin", method: "tandem/engines/pin", params: { engine: "h1", isPinned: true } },
  { deed: "unpin", method: "tandem/engines/pin", params: { engine: "h1", isPinned: false } },
] as const;
for (const { deed, method, params } of deeds)
  test(`${deed} is asked for once, and told when it is done`, async () => {
    const it = await shown();
    it.kinds();
    const done = it.feed.act(deed, "h1");
    await it.feed.act(deed, "h1"); // a second click
    await settled();
    assert.deepEqual(
      it.sent.filter((sent) => sent.method === method).map((sent) => sent.params),
      [params],
    );
    it.of(method).answer(engineOf("h1"));
    await done;
    assert.deepEqual(it.posted.at(-1), { kind: "done", engine: "h1", trouble: null });
  });

test("how far a load is", async () => {
  const it = await shown();
  const load = await loading(it.feed, it);
  it.kinds();
  load.tell({ kind: "downloading", progress: download });
  load.tell({ kind: "notice", message: "nothing to show" });
  load.tell({ kind: "loading", engine: "h1", model: "Qwen" });
  assert.deepEqual(
    it.posted.map((message) => message.kind === "doing" && message.stage.kind),
    ["downloading", "loading"],
  );
});

test("a load is given up by the user, which is no trouble", async () => {
  const it = await shown();
  const load = await loading(it.feed, it);
  it.feed.cancel("h1");
  await settled();
  assert.ok(load.signal.aborted);
  assert.deepEqual(it.posted.at(-1), { kind: "done", engine: "h1", trouble: null });
});

test("a load goes on while nobody looks, and what went wrong is told elsewhere", async () => {
  const it = await shown();
  const load = await loading(it.feed, it);
  it.feed.hide();
  assert.ok(!load.signal.aborted);
  load.fail(new TandemFailure("no-memory", "No model fits", "Close a program"));
  await settled();
  assert.deepEqual(it.reported, ["No model fits"]);
});

test("a task of this window that waits or downloads is told of, until it goes on", async () => {
  const it = await shown();
  it.kinds();
  it.feed.task({ kind: "downloading", progress: download });
  it.feed.task({ kind: "draft", text: "a" });
  it.feed.task({ kind: "draft", text: "b" });
  it.feed.task(null);
  assert.deepEqual(it.posted, [
    { kind: "task", stage: { kind: "downloading", progress: download } },
    { kind: "task", stage: null },
  ]);
});

test("disposed, it gives up what it was doing", async () => {
  const it = await shown();
  const load = await loading(it.feed, it);
  it.feed.dispose();
  assert.ok(load.signal.aborted);
  assert.equal(it.listeners(), 0);
});

async function loading(feed: Feed, it: { readonly of: (method: string) => Sent }): Promise<Sent> {
  void feed.act("load", "h1");
  await settled();
  return it.of("tandem/engines/load");
}
