import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { createLife, GRACE_MS, type Guest, graceMsFrom } from "../../server/life.ts";
import type { Moving } from "../../server/protocol/service.ts";
import { silentLog } from "../fakes/log.ts";

const UPGRADE: Moving = { reason: "superseded", message: "a newer one takes over" };
const turns = () => new Promise<void>((resolve) => setImmediate(resolve));

function guest() {
  const gone = Promise.withResolvers<void>();
  const told: Moving[] = [];
  return {
    gone: gone.promise,
    told,
    leave: gone.resolve,
    drain: (moving: Moving) => void told.push(moving),
  } satisfies Guest & {
    told: Moving[];
    leave: () => void;
  };
}

/** A life on a clock of the test's own; `reason` says why it is over, once it is. */
function living(t: { after(done: () => void): void }) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const life = createLife({ log: silentLog, graceMs: 1_000, drainMs: 5_000 });
  let reason: string | null = null;
  void life.over.then((why) => {
    reason = why;
  });
  const pass = async (ms: number) => {
    mock.timers.tick(ms);
    await turns();
    return reason;
  };
  return { life, pass };
}

test("nobody comes: it leaves after ten seconds, however short the grace time", async (t) => {
  const { pass } = living(t);
  assert.equal(await pass(9_999), null);
  assert.equal(await pass(1), "nobody came");
});

test("it stays while anybody is there, and some time longer", async (t) => {
  const { life, pass } = living(t);
  const [first, second] = [guest(), guest()];
  life.enter(first);
  life.enter(second);
  assert.equal(await pass(60_000), null);
  first.leave();
  assert.equal(await pass(60_000), null);
  second.leave();
  await turns();
  assert.equal(await pass(999), null);
  const third = guest();
  life.enter(third);
  assert.equal(await pass(60_000), null, "who comes within the grace time keeps it");
  third.leave();
  await turns();
  assert.equal(await pass(1_000), "the last client has gone");
});

test("draining: everybody is told once, and it is over when the last one has gone, without a grace time", async (t) => {
  const { life, pass } = living(t);
  const [first, second] = [guest(), guest()];
  life.enter(first);
  life.enter(second);
  life.drain(UPGRADE);
  life.drain({ reason: "stopped", message: "again" });
  assert.equal(life.isDraining, true);
  assert.deepEqual([first.told, second.told], [[UPGRADE], [UPGRADE]]);
  first.leave();
  assert.equal(await pass(0), null);
  second.leave();
  assert.equal(await pass(0), "superseded");
});

test("draining: what takes too long is broken off, and who comes late is told at once", async (t) => {
  const { life, pass } = living(t);
  life.enter(guest());
  life.drain(UPGRADE);
  const late = guest();
  life.enter(late);
  assert.deepEqual(late.told, [UPGRADE]);
  assert.equal(await pass(4_999), null);
  assert.match((await pass(1)) ?? "", /superseded; what still ran was broken off/);
});

test("draining with nobody there is over at once", async (t) => {
  const { life, pass } = living(t);
  life.drain(UPGRADE);
  assert.equal(await pass(0), "superseded");
});

test("the grace time comes from TANDEM_GRACE_MS, and a wrong one is named", () => {
  assert.equal(graceMsFrom({}), GRACE_MS);
  assert.equal(graceMsFrom({ TANDEM_GRACE_MS: "" }), GRACE_MS);
  assert.equal(graceMsFrom({ TANDEM_GRACE_MS: "250" }), 250);
  assert.equal(graceMsFrom({ TANDEM_GRACE_MS: "1e12" }), 2 ** 31 - 1, "a timer that is set to more fires at once");
  assert.throws(() => graceMsFrom({ TANDEM_GRACE_MS: "soon" }), /TANDEM_GRACE_MS is "soon"/);
});
