import assert from "node:assert/strict";
import { test } from "node:test";
import type { ToSidebar } from "../../../webview/sidebar/messages.ts";
import { seriesOf } from "../../../webview/sidebar/series.ts";
import { empty, reduce, type SidebarState, SPAN_MS } from "../../../webview/sidebar/state.ts";
import { engineOf, GB, gpuOf, statusOf } from "../../fakes/statuses.ts";

const machine = { busyPercent: null, totalBytes: 1, freeBytes: 1 };
const running: ToSidebar = { kind: "standing", standing: { kind: "running" } };
const read = (atMs: number, busyPercent: number | null, ageMs = 0): ToSidebar => ({
  kind: "status",
  status: statusOf({ gpus: [gpuOf(0, { busyPercent, ageMs })], engines: [engineOf("h1")] }),
  atMs,
  machine,
});
const after = (...told: readonly ToSidebar[]): SidebarState => told.reduce(reduce, empty);
const curve = (state: SidebarState) => state.points["GPU-0"]?.map((it) => [it.atMs, it.busyPercent]);

test("what was read before goes before what is read now, and nothing is there twice", () => {
  const before = { "GPU-0": [1_000, 2_000, 10_000].map((atMs) => ({ atMs, usedBytes: GB, busyPercent: 5 })) };
  const state = after(running, read(10_100, 50), { kind: "history", points: before }, read(11_100, 60));
  assert.deepEqual(curve(state), [
    [1_000, 5],
    [2_000, 5],
    [10_000, 5],
    [11_100, 60],
  ]);
});

test("a reading that is told again is one point", () => {
  assert.deepEqual(curve(after(running, read(10_000, 50, 0), read(10_900, 50, 900), read(11_900, 50, 1_900))), [
    [10_000, 50],
  ]);
});

test("curves go back a hundred seconds, and cards that are gone leave nothing", () => {
  const state = after(running, read(10_000, 1), read(60_000, 2), read(10_001 + SPAN_MS, 3));
  assert.deepEqual(curve(state), [
    [60_000, 2],
    [10_001 + SPAN_MS, 3],
  ]);
  const gone: ToSidebar = { kind: "status", status: statusOf(), atMs: 10_000_000, machine };
  assert.deepEqual(reduce(state, gone).points, {});
});

test("however often readings come, a curve is bounded", () => {
  let state = after(running);
  for (let at = 0; at < 1_000; at++) state = reduce(state, read(1_000_000 + at * 500, 1));
  assert.ok((curve(state)?.length ?? 0) <= 200);
});

test("a curve has no line where nothing was read", () => {
  const state = after(running, read(10_000, 50), read(11_000, null), read(30_000, 60));
  const [seconds, memory, busy] = seriesOf("GPU-0", state);
  assert.deepEqual(seconds, [-20, -19, -9.5, 0]);
  assert.deepEqual(busy, [50, null, null, 60]);
  assert.deepEqual(
    memory.map((it) => it && Math.round(it)),
    [67, 67, null, 67],
  );
});

test("another orchestrator begins anew; troubles and decisions stay", () => {
  const trouble = { message: "it did not fit", nextStep: "choose another" };
  const state = after(
    running,
    read(10_000, 1),
    { kind: "decisions", decisions: [] },
    { kind: "done", engine: "h1", trouble },
    { kind: "standing", standing: { kind: "waiting", reason: "it was killed", delayMs: 100 } },
  );
  assert.equal(state.status, null);
  assert.deepEqual(state.points, {});
  assert.deepEqual(state.decisions, []);
  assert.deepEqual(state.troubles, { h1: trouble });
});

test("a trouble goes when it is tried again, when it was done, and with its engine", () => {
  const failed = after(running, read(1_000, 1), {
    kind: "done",
    engine: "h1",
    trouble: { message: "no", nextStep: "yes" },
  });
  const again = reduce(failed, { kind: "doing", engine: "h1", deed: "load", stage: { kind: "asked" } });
  assert.deepEqual([again.troubles, Object.keys(again.doing)], [{}, ["h1"]]);
  assert.deepEqual(reduce(again, { kind: "done", engine: "h1", trouble: null }).doing, {});
  assert.deepEqual(reduce(failed, { kind: "status", status: statusOf(), atMs: 2_000, machine }).troubles, {});
});
