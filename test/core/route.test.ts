import assert from "node:assert/strict";
import { test } from "node:test";
import { isAudited, route, routeVectors } from "../../server/core/route/decide.ts";
import { MODEL } from "./routable.ts";
import { BOTH, type Case, checkAll, engine, LARGE, OPEN, ORDINARY, SMALL } from "./routeCases.ts";

const UNMEASURED = { prefillPerSecond: null, decodePerSecond: null };
const KNOWN = { prefillPerSecond: null, decodePerSecond: null, loadMs: null, origin: "by a benchmark" };

const CASES: readonly Case[] = [
  { name: "nothing to route to", input: { engines: [] }, want: null },
  {
    name: "simple work goes to who is done first, whatever it is for",
    input: { tier: "simple" },
    want: ["small", null],
  },
  { name: "moderate work goes to the drafter", input: { tier: "moderate" }, want: ["large", null] },
  { name: "complex work goes to the drafter, the other audits", input: { isAudited: true }, want: ["large", "small"] },
  {
    name: "simple work that is audited is not for who would audit what it wrote itself",
    input: { tier: "simple", isAudited: true },
    want: ["large", "small"],
  },
  {
    name: "unless nobody else is to be had",
    input: { tier: "simple", isAudited: true, engines: [{ ...LARGE, breaker: OPEN }, SMALL] },
    want: ["small", "small"],
  },
  { name: "one engine plays both parts", input: { isAudited: true, engines: [BOTH] }, want: ["both", "both"] },
  { name: "no auditor, no audit", input: { isAudited: true, engines: [LARGE] }, want: ["large", null] },
  { name: "no drafter: who there is", input: { engines: [SMALL] }, want: ["small", null] },
  {
    name: "an engine that failed is avoided for simple work",
    input: { tier: "simple", engines: [LARGE, { ...SMALL, failures: 1 }] },
    want: ["large", null],
  },
  {
    name: "but is taken where there is no other",
    input: { engines: [{ ...LARGE, failures: 9 }, SMALL] },
    want: ["large", null],
  },
  {
    name: "waiting costs: the slower one that is free",
    input: { tier: "simple", engines: [LARGE, { ...SMALL, load: 6 }] },
    want: ["large", null],
  },
  {
    name: "not while a slot is free",
    input: { tier: "simple", engines: [LARGE, { ...SMALL, load: 6, slots: 8 }] },
    want: ["small", null],
  },
  {
    name: "loading costs: the slower one that is loaded",
    input: { tier: "simple", engines: [LARGE, { ...SMALL, isResident: false }] },
    want: ["large", null],
  },
  {
    name: "between two drafters the one that is done first",
    input: { engines: [LARGE, engine("fast", ["draft"], { decodePerSecond: 90 })] },
    want: ["fast", null],
  },
  {
    name: "nothing measured: the smaller model, and a GPU before a CPU",
    input: {
      tier: "simple",
      engines: [
        engine("cpu", ["draft"], { device: "cpu", decodePerSecond: null, prefillPerSecond: null, loadMs: null }),
        engine("gpu", ["draft"], { decodePerSecond: null, prefillPerSecond: null, loadMs: null }),
      ],
    },
    want: ["gpu", null],
  },
  {
    name: "an engine that makes vectors writes nothing, however free it is",
    input: { tier: "simple", engines: [LARGE, engine("vectors", ["embed"], { decodePerSecond: 9_000 })] },
    want: ["large", null],
  },
  {
    name: "one that is there only for who names it is not routed to",
    input: { tier: "simple", engines: [LARGE, engine("named", [], { decodePerSecond: 9_000 })] },
    want: ["large", null],
  },
  { name: "only vectors: nobody writes", input: { engines: [engine("vectors", ["embed"])] }, want: null },
  {
    name: "equal but hot: the other",
    input: {
      engines: [engine("hot", ["draft"], { thermal: "hot" }), engine("cool", ["draft"], { thermal: "normal" })],
    },
    want: ["cool", null],
  },
  {
    name: "equal but warm: the other",
    input: { engines: [engine("warm", ["draft"], { thermal: "warm" }), engine("untold", ["draft"])] },
    want: ["untold", null],
  },
  {
    name: "hot and still the faster one",
    input: { engines: [LARGE, engine("hot", ["draft"], { decodePerSecond: 400, thermal: "hot" })] },
    want: ["hot", null],
  },
  {
    name: "what was measured before this orchestrator counts more than the size",
    input: {
      engines: [
        engine("small", ["draft"], { ...UNMEASURED, model: { ...MODEL, label: "small", parametersB: 1 } }),
        engine("known", ["draft"], { ...UNMEASURED, known: { ...KNOWN, decodePerSecond: 5_000 } }),
      ],
    },
    want: ["known", null],
  },
  {
    name: "and less than what was measured since",
    input: {
      engines: [LARGE, engine("slow", ["draft"], { decodePerSecond: 10, known: { ...KNOWN, decodePerSecond: 5_000 } })],
    },
    want: ["large", null],
  },
  {
    name: "a load that was measured before counts",
    input: {
      engines: [
        engine("slow", ["draft"], { isResident: false, loadMs: null, known: { ...KNOWN, loadMs: 60_000 } }),
        engine("quick", ["draft"], { isResident: false, loadMs: null, known: { ...KNOWN, loadMs: 900 } }),
      ],
    },
    want: ["quick", null],
  },
  { name: "equal: the first", input: { engines: [engine("a", ["draft"]), engine("b", ["draft"])] }, want: ["a", null] },
];

checkAll(CASES);

test("every term of the cost is a number that adds up", () => {
  const slow = { ...LARGE, isResident: false, load: 2, failures: 3 };
  const { draft } = route({ ...ORDINARY, engines: [slow] }) ?? assert.fail();
  assert.deepEqual(draft.cost, {
    prefillMs: 1_000,
    decodeMs: 2_000,
    queueMs: 6_000,
    loadMs: 4_000,
    penaltyMs: 15_000,
    totalMs: 28_000,
  });
  assert.equal(draft.why, "about 28 s, 4.0 s to load, 2 ahead of it, failed 3 times, 50 tokens/s measured");
});

test("what heat adds is a term of the cost, and said", () => {
  const { draft } = route({ ...ORDINARY, engines: [{ ...LARGE, load: 1, thermal: "hot" }] }) ?? assert.fail();
  const { thermalMs, totalMs } = draft.cost;
  assert.deepEqual([thermalMs, totalMs], [6_000, 12_000]);
  assert.match(draft.why, /its device is hot: reckoned at half its speed$/);
});

test("rates from before are told as such", () => {
  const known = { ...KNOWN, decodePerSecond: 40 };
  const { draft } =
    route({ ...ORDINARY, engines: [engine("a", ["draft"], { ...UNMEASURED, known })] }) ?? assert.fail();
  assert.equal(draft.cost.decodeMs, 2_500);
  assert.match(draft.why, /40 tokens\/s by a benchmark$/);
});

test("what is not known yet is estimated from the size", () => {
  const unknown = { prefillPerSecond: null, decodePerSecond: null, loadMs: null, isResident: false, device: "cpu" };
  const { draft } = route({ ...ORDINARY, engines: [engine("a", ["draft"], unknown)] }) ?? assert.fail();
  assert.ok(Object.values(draft.cost).every((it) => Number.isFinite(it) && Number(it) >= 0));
  const sized = engine("a", ["draft"], { ...unknown, model: { ...MODEL, id: "a", label: "a", parametersB: null } });
  assert.deepEqual(route({ ...ORDINARY, engines: [sized] })?.draft.cost, draft.cost);
});

test("candidates come as they stand to the task, and of those alike cheapest first", () => {
  const made = route({ ...ORDINARY, engines: [LARGE, SMALL, { ...LARGE, id: "worse", failures: 1 }] });
  assert.deepEqual(
    made?.candidates.map((it) => it.engine),
    ["large", "worse", "small"],
  );
});

test("vectors come from the engine that is free, of those that make them", () => {
  const busy = engine("busy", ["embed"], { load: 9 });
  const free = engine("free", ["embed"]);
  const made = routeVectors({ engines: [LARGE, busy, free], promptTokens: 500 });
  assert.deepEqual(
    made?.candidates.map((it) => it.engine),
    ["free", "busy"],
  );
  assert.equal(made?.draft.engine, "free");
  assert.equal(routeVectors({ engines: [LARGE, SMALL], promptTokens: 500 }), null);
});

test("who is audited is a setting", () => {
  const audited = (when: Parameters<typeof isAudited>[1]) =>
    (["simple", "moderate", "complex"] as const).filter((tier) => isAudited(tier, when));
  assert.deepEqual(audited("never"), []);
  assert.deepEqual(audited("complex"), ["complex"]);
  assert.deepEqual(audited("always"), ["simple", "moderate", "complex"]);
});
