import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { HEALTHY_MS, MAX_QUICK_DEATHS } from "../../extension/backoff.ts";
import { stopped } from "../../extension/failure.ts";
import { createLife, type OrchestratorState } from "../../extension/life.ts";
import { type Played, playOrchestrator } from "./orchestrating.ts";

/** A window whose clock stands still until it is moved. */
function scene(t: TestContext, chance = 0.5) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const played: Played[] = [];
  const states: OrchestratorState[] = [];
  let failure: Error | null = null;
  const life = createLife<Played>({
    open: async () => {
      if (failure) throw failure;
      const orchestrator = playOrchestrator(() => stopped("gone"));
      played.push(orchestrator);
      return orchestrator;
    },
    enter: (state) => states.push(state),
    chance: () => chance,
  });
  const newest = () => {
    const orchestrator = played.at(-1);
    assert.ok(orchestrator, "none was asked for");
    return orchestrator;
  };
  return {
    life,
    played,
    states,
    newest,
    kinds: () => states.map((it) => it.kind),
    fail: (error: Error | null) => {
      failure = error;
    },
    async pass(ms: number) {
      t.mock.timers.tick(ms);
      await settle();
    },
    async die(reason = "it was killed") {
      newest().die(reason);
      await settle();
    },
  };
}

/** Promises that can be settled are. */
const settle = () => new Promise(setImmediate);

test("nothing is asked for before somebody needs it", (t) => {
  const { life, played } = scene(t);
  assert.deepEqual([life.state.kind, life.current, played.length], ["stopped", null, 0]);
});

test("one that dies is asked for again within 0.1 s", async (t) => {
  const { life, played, kinds, pass, die } = scene(t);
  await life.start();
  await die();
  await pass(100);
  assert.equal(played.length, 2);
  assert.equal(life.connection, played[1]);
  assert.deepEqual(kinds(), ["starting", "running", "waiting", "starting", "running"]);
});

test("deaths in a row wait longer, and then are given up with the reason", async (t) => {
  const { life, states, pass, die } = scene(t);
  await life.start();
  for (let deaths = 1; deaths < MAX_QUICK_DEATHS; deaths++) {
    await die();
    await pass(30_000);
  }
  await die("it ended with exit code 1");
  assert.deepEqual(life.state, { kind: "failed", reason: "it ended with exit code 1" });
  const delays = states.flatMap((it) => (it.kind === "waiting" ? [it.delayMs] : []));
  assert.deepEqual(
    delays,
    delays.toSorted((a, b) => a - b),
  );
  await assert.rejects(life.next(), /it ended with exit code 1/);
});

test("a healthy life forgives the deaths before it, and so does the user", async (t) => {
  const { life, pass, die } = scene(t);
  await life.start();
  for (let deaths = 0; deaths < MAX_QUICK_DEATHS * 2; deaths++) {
    if (deaths % 2 === 0) life.forgive();
    else await pass(HEALTHY_MS);
    await die();
    await pass(30_000);
  }
  assert.equal(life.state.kind, "running");
});

test("whoever waits for the next one gets it when the back-off allows", async (t) => {
  const { life, played, pass, die } = scene(t, 0);
  await life.start();
  await die();
  await pass(0);
  await die();
  const next = life.next();
  assert.equal(next, life.next());
  await pass(249);
  assert.equal(played.length, 2);
  await pass(1);
  assert.equal(await next, played[2]);
});

test("a user who asks does not wait for the back-off", async (t) => {
  const { life, played, die } = scene(t);
  await life.start();
  await die();
  assert.equal(await life.start(), played[1]);
});

test("one that cannot be started is tried again", async (t) => {
  const { life, states, fail, pass, played } = scene(t);
  fail(new Error("no room"));
  await assert.rejects(life.start(), /no room/);
  await settle();
  assert.deepEqual(states.at(-1), { kind: "waiting", reason: "no room", delayMs: 50 });
  fail(null);
  await pass(50);
  assert.equal(life.connection, played[0]);
});

test("one that moves on is no death: the next is asked for at once, and it may finish what it does", async (t) => {
  const { life, played, kinds, newest, pass } = scene(t);
  const first = await life.start();
  await pass(1_000);
  newest().move("a newer one takes over");
  await settle();
  assert.equal(life.connection, played[1]);
  assert.equal(first.isDisposed, false);
  first.die("it ended");
  await settle();
  assert.equal(life.connection, played[1]);
  assert.deepEqual(kinds(), ["starting", "running", "starting", "running"]);
});

test("those that move on as soon as they are there are not asked for without end", async (t) => {
  const { life, newest, pass } = scene(t);
  await life.start();
  for (let moves = 0; moves < MAX_QUICK_DEATHS; moves++) {
    newest().move("leaving");
    await settle();
    await pass(2_000 * moves);
    if (life.state.kind === "failed") return;
    assert.notEqual(life.state.kind, "stopped");
  }
  assert.notEqual(life.connection, null);
});

test("stopping ends every connection, the old ones too, and nothing comes back", async (t) => {
  const { life, played, newest, pass } = scene(t);
  await life.start();
  await pass(1_000);
  newest().move("a newer one takes over");
  await settle();
  await life.stop();
  await pass(60_000);
  assert.deepEqual(
    played.map((it) => it.isDisposed),
    [true, true],
  );
  assert.deepEqual([life.state.kind, life.current], ["stopped", null]);
});

test("stopping while it waits tells whoever waits", async (t) => {
  const { life, die, pass, played } = scene(t);
  await life.start();
  await die();
  const next = assert.rejects(life.next(), /stopped/);
  await life.stop();
  await next;
  await pass(60_000);
  assert.equal(played.length, 1);
});
