import assert from "node:assert/strict";
import { test } from "node:test";
import type { Route } from "../../server/core/route.ts";
import type { RouteCandidate, RunEvent } from "../../server/protocol/run.ts";
import { acquireAuditor } from "../../server/tasks/auditor.ts";
import { randomFrom } from "../core/govern/randomTrace.ts";
import { GB } from "../fakes/card.ts";
import { poolBench } from "./enginePool.ts";

const SEEDS = 40;
const TASKS = 12;
const LIMIT = { timeout: 20_000 };
const never = new AbortController().signal;
const cost = { queueMs: 0, loadMs: 0, prefillMs: 0, decodeMs: 0, penaltyMs: 0, totalMs: 0 };
const at = (engine: string): RouteCandidate => ({ engine, model: engine, device: "GPU-1", cost, why: "a test" });

for (let seed = 1; seed <= SEEDS; seed++)
  test(`tasks that draft and audit on each other's engines all end (${seed})`, LIMIT, async (t) => {
    await using bench = poolBench(t);
    const random = randomFrom(seed);
    const { places } = bench;
    const sizes = { a: 9 * GB, b: 9 * GB, c: 9 * GB, d: 0 };
    const engines = Object.entries(sizes).map(([id, bytes]) => places.place({ id, bytes }));
    const one = () => Object.keys(sizes)[Math.floor(random() * engines.length)] ?? "a";
    // In the time that the test makes go by.
    const work = () => new Promise<void>((resolve) => setTimeout(resolve, 500 + random() * 8_000));
    const pause = async (most: number) => bench.pass(250 * Math.ceil(random() * most));

    async function task(): Promise<void> {
      const [short, queued, drafted] = [withResolvers(), withResolvers(), withResolvers()];
      const hear = (event: RunEvent) => {
        if (event.kind !== "waiting") return;
        queued.resolve();
        if (event.why !== undefined) short.resolve();
      };
      const scheduler = bench.join(engines);
      const plan: Route = { draft: at(one()), audit: at(one()), candidates: [], why: "a test" };
      const drafter = scheduler.acquire(plan.draft.engine, hear, never);
      const waits = { isDraftShort: short.promise, isDraftQueued: queued.promise, isDrafted: drafted.promise };
      const said = { emit: () => undefined, notice: () => undefined };
      const auditor = acquireAuditor({ plan, drafter, ...waits, scheduler, ...said }, never);
      using _draft = await drafter;
      await work();
      drafted.resolve();
      using _audit = await auditor;
      await work();
    }

    const tasks: Promise<void>[] = [];
    let ended = 0;
    for (let nth = 0; nth < TASKS; nth++) {
      tasks.push(task().then(() => void ended++));
      await pause(3);
    }
    for (let turns = 0; turns < 3_000 && ended < TASKS; turns++) await bench.pass(1_000);
    assert.equal(ended, TASKS);
    await Promise.all(tasks);
  });

function withResolvers() {
  return Promise.withResolvers<void>();
}
