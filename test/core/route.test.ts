import assert from "node:assert/strict";
import { test } from "node:test";
import { isAudited, route, routeVectors } from "../../server/core/route/decide.ts";
import type { EngineView, RouteInput } from "../../server/core/route.ts";
import { MODEL, routable } from "./routable.ts";

const engine = (id: string, roles: EngineView["roles"], more: Partial<EngineView> = {}) =>
  routable(id, { roles, ...more });

const LARGE = engine("large", ["draft"]);
const SMALL = engine("small", ["audit"], { prefillPerSecond: 4_000, decodePerSecond: 200, device: "cuda:1" });
const BOTH = engine("both", ["draft", "audit"]);

const HIGH = engine("high", ["high"]);
const CLOUD = engine("cloud", ["cloud"], { isCloud: true, decodePerSecond: 300, device: "api.example.com" });
const FALLBACK = { isAllowed: true, why: "the user allows it", when: "fallback" } as const;
const OPEN = { state: "open", retryInMs: 9_000, why: "it refused connections" } as const;
const HALF = { state: "half-open", retryInMs: null, why: "it refused connections" } as const;
const LLAMA = { backend: "llama-server", slots: 4 } as const;
const VLLM = { backend: "vllm", slots: 64 } as const;

const UNMEASURED = { prefillPerSecond: null, decodePerSecond: null };
const KNOWN = { prefillPerSecond: null, decodePerSecond: null, loadMs: null, origin: "by a benchmark" };

interface Case {
  readonly name: string;
  readonly input: Partial<RouteInput>;
  readonly want: readonly [draft: string, audit: string | null] | null;
}

const CASES: readonly Case[] = [
  { name: "nothing to route to", input: { engines: [] }, want: null },
  {
    name: "simple work goes to who is done first, whatever it is for",
    input: { tier: "simple" },
    want: ["small", null],
  },
  { name: "moderate work goes to the drafter", input: { tier: "moderate" }, want: ["large", null] },
  { name: "complex work goes to the drafter, the other audits", input: { isAudited: true }, want: ["large", "small"] },
  { name: "simple work may be audited too", input: { tier: "simple", isAudited: true }, want: ["small", "small"] },
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
  {
    name: "simple work goes to the provider for simple work, however slow",
    input: { tier: "simple", engines: [LARGE, SMALL, engine("low", ["low"], { decodePerSecond: 10 }), HIGH] },
    want: ["low", null],
  },
  {
    name: "all other work to the provider for difficult work",
    input: { tier: "moderate", engines: [LARGE, SMALL, engine("low", ["low"]), HIGH] },
    want: ["high", null],
  },
  {
    name: "who audits stays who audits",
    input: { isAudited: true, engines: [LARGE, SMALL, HIGH] },
    want: ["high", "small"],
  },
  {
    name: "without a provider for simple work it goes to who is done first, as ever",
    input: { tier: "simple", engines: [LARGE, SMALL, HIGH] },
    want: ["small", null],
  },
  {
    name: "a provider that gets no requests: the drafter",
    input: { engines: [LARGE, SMALL, { ...HIGH, breaker: OPEN }] },
    want: ["large", null],
  },
  {
    name: "an engine with an open breaker comes after all others, whatever they are for",
    input: { engines: [{ ...LARGE, breaker: OPEN }, SMALL] },
    want: ["small", null],
  },
  {
    name: "and is taken where there is no other",
    input: { engines: [{ ...LARGE, breaker: OPEN }] },
    want: ["large", null],
  },
  {
    name: "one that is to be tried is tried where it is worth the risk, its failures forgotten",
    input: { engines: [engine("slow", ["draft"], { decodePerSecond: 10 }), { ...LARGE, breaker: HALF, failures: 9 }] },
    want: ["large", null],
  },
  {
    name: "and is not where another is nearly as soon done",
    input: { engines: [LARGE, engine("fast", ["draft"], { decodePerSecond: 100, breaker: HALF })] },
    want: ["large", null],
  },
  {
    name: "one request tries it, and no second",
    input: {
      engines: [engine("slow", ["draft"], { decodePerSecond: 10 }), { ...LARGE, breaker: HALF, load: 1, slots: 8 }],
    },
    want: ["slow", null],
  },
  {
    name: "one that answers every other request costs twice the time",
    input: { engines: [LARGE, engine("moody", ["draft"], { decodePerSecond: 90, reliability: 0.5 })] },
    want: ["large", null],
  },
  { name: "the cloud is not asked by itself", input: { engines: [CLOUD] }, want: null },
  {
    name: "nor where it may not see this",
    input: { engines: [LARGE, CLOUD], cloud: { isAllowed: false, why: "it holds a key", when: "first" } },
    want: ["large", null],
  },
  {
    name: "as a fallback it is not while anybody here can be asked, however slow",
    input: { engines: [engine("slow", ["audit"], { decodePerSecond: 1 }), CLOUD], cloud: FALLBACK },
    want: ["slow", null],
  },
  {
    name: "as a fallback it is where all here are shut off",
    input: { engines: [{ ...LARGE, breaker: OPEN }, CLOUD], cloud: FALLBACK },
    want: ["cloud", null],
  },
  {
    name: "first where the user wants that; the audit stays here",
    input: { isAudited: true, engines: [LARGE, SMALL, CLOUD], cloud: { ...FALLBACK, when: "first" } },
    want: ["cloud", "small"],
  },
  {
    name: "a cloud that is shut off is no better than anybody",
    input: { engines: [LARGE, { ...CLOUD, breaker: OPEN }], cloud: { ...FALLBACK, when: "first" } },
    want: ["large", null],
  },
  {
    name: "two that can do either: one drafts, the other audits",
    input: { isAudited: true, engines: [BOTH, { ...BOTH, id: "twin" }] },
    want: ["both", "twin"],
  },
  {
    name: "low latency when nobody else is there: llama.cpp",
    input: {
      engines: [engine("llama", ["draft"], { decodePerSecond: 60, ...LLAMA }), engine("vllm", ["draft"], VLLM)],
    },
    want: ["llama", null],
  },
  {
    name: "throughput when many are: vLLM, of which each stream costs the others next to nothing",
    input: {
      engines: [
        engine("llama", ["draft"], { decodePerSecond: 60, ...LLAMA, load: 3 }),
        engine("vllm", ["draft"], { ...VLLM, load: 3 }),
      ],
    },
    want: ["vllm", null],
  },
  {
    name: "and the cool one of the two",
    input: {
      engines: [
        engine("llama", ["draft"], { decodePerSecond: 60, ...LLAMA, thermal: "hot" }),
        engine("vllm", ["draft"], VLLM),
      ],
    },
    want: ["vllm", null],
  },
  {
    name: "who has read the prompt's beginning is sooner done, though its decode is slower",
    input: {
      promptTokens: 8_000,
      engines: [LARGE, engine("warm", ["draft"], { decodePerSecond: 40 })],
      warmTokens: { warm: 7_500 },
    },
    want: ["warm", null],
  },
  {
    name: "what was warm is not after an unload",
    input: {
      promptTokens: 8_000,
      engines: [LARGE, engine("warm", ["draft"], { decodePerSecond: 40, isResident: false, loadMs: 0 })],
      warmTokens: { warm: 7_500 },
    },
    want: ["large", null],
  },
  { name: "equal: the first", input: { engines: [engine("a", ["draft"]), engine("b", ["draft"])] }, want: ["a", null] },
];

const ORDINARY: RouteInput = {
  tier: "complex",
  isAudited: false,
  promptTokens: 1_000,
  outputTokens: 100,
  engines: [LARGE, SMALL],
};

for (const { name, input, want } of CASES)
  test(name, () => {
    const made = route({ ...ORDINARY, ...input });
    assert.deepEqual(made && [made.draft.engine, made.audit?.engine ?? null], want);
    const isAsked = (it: EngineView) => !it.isCloud || input.cloud?.isAllowed;
    const writing = (input.engines ?? ORDINARY.engines).filter(
      (engine) => engine.roles.some((it) => it !== "embed") && isAsked(engine),
    );
    assert.equal(made?.candidates.length, made ? writing.length : undefined);
    if (made) assert.match(made.why, new RegExp(made.draft.model));
  });

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

test("a prompt's warm beginning is not read again, and that is said", () => {
  const input = { ...ORDINARY, promptTokens: 2_000, warmTokens: { large: 1_500 } };
  const { draft } = route({ ...input, engines: [LARGE] }) ?? assert.fail();
  assert.deepEqual([draft.cost.prefillMs, draft.warmTokens], [500, 1_500]);
  assert.match(draft.why, /1500 tokens of the prompt still warm/);
  const all = route({ ...input, warmTokens: { large: 9_999 }, engines: [LARGE] })?.draft;
  assert.equal(all?.warmTokens, 1_999, "the last token is always read");
});

test("others on the same engine slow everybody down: by how much depends on the program and the device", () => {
  const added = (more: Partial<EngineView>) =>
    route({ ...ORDINARY, engines: [{ ...LARGE, slots: 8, load: 4, ...more }] })?.draft.cost.contentionMs;
  assert.deepEqual(
    [added({ backend: "vllm" }), added({}), added({ device: "cpu" })].map((ms) => Math.round(Number(ms) / 10)),
    [36, 240, 960],
  );
});

test("who waits for the first of eight slots waits an eighth of an answer", () => {
  const { draft } =
    route({ ...ORDINARY, engines: [{ ...LARGE, slots: 8, load: 8, backend: "vllm" }] }) ?? assert.fail();
  const { queueMs, prefillMs, decodeMs, contentionMs = 0 } = draft.cost;
  assert.equal(queueMs, Math.round((prefillMs + decodeMs + contentionMs) / 8));
});

test("an engine that gets no requests says why, and when it is tried again", () => {
  const { draft, why } = route({ ...ORDINARY, engines: [{ ...LARGE, breaker: OPEN }] }) ?? assert.fail();
  assert.match(draft.why, /gets no requests for now \(it refused connections\), tried again in 9\.0 s$/);
  assert.equal(draft.standing, "shut");
  assert.match(why, /gets no requests for now, as there is no other/);
});

test("whether it leaves this machine is said wherever it could", () => {
  const said = (cloud: RouteInput["cloud"]) =>
    route({ ...ORDINARY, engines: [LARGE, CLOUD], cloud: cloud ?? null })?.why;
  assert.match(said(null) ?? "", /it stays here: the cloud is not allowed/);
  assert.match(said({ ...FALLBACK, isAllowed: false, why: "it holds a key" }) ?? "", /it stays here: it holds a key/);
  assert.match(said({ ...FALLBACK, when: "first" }) ?? "", /it leaves this machine: the user allows it/);
  assert.doesNotMatch(route({ ...ORDINARY, engines: [LARGE] })?.why ?? "", /stays here/);
});

test("of equals two are drawn and the less loaded of them taken: each draw as likely as any other", () => {
  const equals = ["a", "b", "c", "d"].map((id, load) => engine(id, ["draft"], { ...VLLM, load }));
  const draws = Array.from({ length: 1_200 }, (_, at) => (at + 0.5) / 1_200);
  const taken = draws.map((draw) => route({ ...ORDINARY, engines: equals, draw })?.draft.engine ?? "");
  const shares = equals.map(({ id }) => taken.filter((it) => it === id).length / draws.length);
  // Of the twelve ordered pairs six have a, of the others four have b, two c.
  assert.deepEqual(
    shares.map((it) => Math.round(it * 12)),
    [6, 4, 2, 0],
  );
});

test("of equals the one that has the prompt's beginning warm, whatever is drawn", () => {
  const equals = ["a", "b", "c"].map((id) => engine(id, ["draft"], VLLM));
  for (const draw of [0, 0.3, 0.6, 0.999]) {
    const made = route({ ...ORDINARY, outputTokens: 1_000, engines: equals, draw, warmTokens: { b: 400 } });
    assert.equal(made?.draft.engine, "b");
    assert.match(made?.why ?? "", /of 3 equals it has the prompt's beginning warm/);
  }
});

test("of equals that have little of it warm the one that has least to forget", () => {
  const equals = ["a", "b", "c"].map((id) => engine(id, ["draft"], VLLM));
  const held = { warmTokens: { a: 40, b: 40 }, displacedTokens: { a: 900, b: 2_000 } };
  const made = route({ ...ORDINARY, engines: equals, ...held });
  assert.deepEqual(
    [made?.draft.engine, made?.why.split("; ").at(-1)],
    ["c", "of 3 equals it has least to forget for it"],
  );
  const two = [0, 0.5].map((draw) =>
    route({ ...ORDINARY, ...held, engines: equals, draw, displacedTokens: { a: 900 } }),
  );
  assert.deepEqual(
    two.map((it) => it?.draft.engine),
    ["b", "c"],
  );
});

test("who is audited is a setting", () => {
  const audited = (when: Parameters<typeof isAudited>[1]) =>
    (["simple", "moderate", "complex"] as const).filter((tier) => isAudited(tier, when));
  assert.deepEqual(audited("never"), []);
  assert.deepEqual(audited("complex"), ["complex"]);
  assert.deepEqual(audited("always"), ["simple", "moderate", "complex"]);
});
