import assert from "node:assert/strict";
import { test } from "node:test";
import { route } from "../../server/core/route/decide.ts";
import type { EngineView, RouteInput } from "../../server/core/route.ts";
import {
  BOTH,
  type Case,
  CLOUD,
  checkAll,
  engine,
  FALLBACK,
  HALF,
  HIGH,
  LARGE,
  LLAMA,
  OPEN,
  ORDINARY,
  SMALL,
  VLLM,
} from "./routeCases.ts";

const CASES: readonly Case[] = [
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
];

checkAll(CASES);

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
