import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import type { Lease, Membership } from "../../server/scheduler.ts";
import { randomFrom } from "../core/govern/randomTrace.ts";
import { GB } from "../fakes/card.ts";
import type { FakeModel } from "../fakes/places.ts";
import { noMemory } from "../fakes/places.ts";
import { type PoolBench, poolBench } from "../server/enginePool.ts";

/** Of a hundred and fifty in a row each was found to end well. */
const SEEDS = 12;
const STEPS = 80;
const LIMIT = { timeout: 20_000 };
const never = new AbortController().signal;
const TOTAL_BYTES = 24 * GB;
const RESERVE_BYTES = 2 * GB;

const models: readonly FakeModel[] = [
  { id: "large", bytes: 20 * GB, parametersB: 30, isAuto: true },
  { id: "middle", bytes: 11 * GB, parametersB: 14, isAuto: true },
  { id: "small", bytes: 3 * GB, parametersB: 1, isAuto: true },
  { id: "wide", bytes: 8 * GB, slots: 3 },
  { id: "vectors", bytes: GB, kind: "embedder" },
  { id: "server", bytes: 0, slots: 2 },
];

const PRIORITIES = ["interactive", "interactive", "task", "background"] as const;

interface Day {
  readonly bench: PoolBench;
  readonly random: () => number;
  readonly members: Membership[];
  readonly stops: AbortController[];
  readonly leases: Lease[];
  /** The user's words that are not yet done. */
  readonly words: Promise<unknown>[];
  readonly isAlone: boolean;
}

for (let seed = 1; seed <= SEEDS; seed++)
  test(
    `clients come, ask, cancel, change their minds and go, engines fail and die: nothing is left behind (${seed})`,
    LIMIT,
    async (t) => {
      const day = begin(t, seed);
      await using _bench = day.bench;
      for (let step = 0; step < STEPS; step++) await live(day);
      await end(day);
    },
  );

function begin(t: TestContext, seed: number): Day {
  const bench = poolBench(t, { totalBytes: TOTAL_BYTES });
  const random = randomFrom(seed);
  return { bench, random, members: [], stops: [], leases: [], words: [], isAlone: seed % 2 === 0 };
}

async function live(day: Day): Promise<void> {
  const { bench, random, members, stops, leases, words, isAlone } = day;
  const { places, card } = bench;
  const one = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];
  const some = () => models.filter(() => random() < 0.6).map((it) => places.place(it));
  const member = one(members);
  const name = one(models)?.id ?? "";
  const acts: readonly (() => unknown)[] = [
    () => members.length < 4 && members.push(bench.join(some(), one(PRIORITIES))),
    () => ask(day, name),
    () => ask(day, name),
    () => ask(day, name),
    () => leases.splice(Math.floor(random() * leases.length), 1)[0]?.[Symbol.dispose](),
    () => leases.splice(Math.floor(random() * leases.length), 1)[0]?.[Symbol.dispose](),
    () => one(leases)?.offer(),
    () => one(leases)?.offer(),
    () => goOn(day),
    () => one(leases)?.reportFailure(new TandemError("provider", "it hung up", "again")),
    () => one(leases)?.report({ promptTokens: 1, prefillMs: 1, completionTokens: 1, decodeMs: 1 }),
    () => one(stops)?.abort(),
    () => one([...places.engines.values()])?.die("killed"),
    () => member?.configure(some()),
    () => random() < 0.3 && members.shift()?.[Symbol.dispose](),
    () => member?.user.knows(name) && (random() < 0.5 ? member.user.pin(name) : member.user.unpin(name)),
    () => member?.user.knows(name) && words.push(member.user.unload(name, never).catch(() => undefined)),
    () => Object.assign(places, { isHeld: random() < 0.5 }),
    () => one(places.loads)?.succeed(),
    () => one(places.loads)?.fail(random() < 0.5 ? noMemory() : new TandemError("provider", "broken", "again")),
    () => Object.assign(card, { foreignBytes: isAlone ? 0 : Math.floor(random() * 14) * GB }),
    () => member?.tryAcquire(name)?.[Symbol.dispose](),
  ];
  one(acts)?.();
  await bench.pass(one([250, 250, 1_000, 6_000, 12_000]) ?? 250);
  const held = [...card.holds.values()].reduce((sum, it) => sum + it, 0);
  if (isAlone) assert.ok(held <= TOTAL_BYTES - RESERVE_BYTES, `${held / GB} GB are taken`);
}

function ask({ bench, random, members, stops, leases }: Day, name: string): void {
  const member = members[Math.floor(random() * members.length)];
  if (!member) return;
  const stop = new AbortController();
  stops.push(stop);
  void bench.ask(member, name, stop.signal).lease.then(
    (lease) => leases.push(lease),
    () => undefined,
  );
}

/** A turn that may have been ended, or may not: its work goes on in the next one. */
function goOn({ random, stops, leases }: Day): void {
  const [lease] = leases.splice(Math.floor(random() * leases.length), 1);
  if (!lease) return;
  const stop = new AbortController();
  stops.push(stop);
  void lease
    .resume(() => undefined, stop.signal)
    .then(
      (next) => leases.push(next),
      () => undefined,
    );
}

/** All let go, and what users asked for is done; then everything is idle, unloaded in time, and can be had again. */
async function end({ bench, members, stops, leases, words }: Day): Promise<void> {
  const { places, card } = bench;
  card.foreignBytes = 0;
  places.isHeld = false;
  for (const it of stops) it.abort();
  for (const it of places.loads) it.succeed();
  await bench.settle();
  for (const it of leases) it[Symbol.dispose]();
  const last = bench.join(models.map((it) => places.place(it)));
  last.user.reset(undefined);
  for (const it of last.status()) if (it.isPinned) last.user.unpin(it.handle);
  await bench.pass(6_000);
  await Promise.all(words);
  assert.ok(last.status().every((it) => !it.isBusy && it.queued === 0));
  await bench.pass(310_000);
  assert.deepEqual([...card.holds.values()], []);
  for (const it of members) it[Symbol.dispose]();
  for (const { id } of models) {
    const lease = bench.ask(last, id).lease;
    await bench.pass(12_000);
    (await lease)[Symbol.dispose]();
  }
}
