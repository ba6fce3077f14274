import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Failure,
  type FallbackInput,
  fallback,
  isReplaceable,
  type Need,
  remedyFor,
} from "../../server/core/fallback.ts";
import type { EngineView } from "../../server/core/route.ts";
import type { ErrorCode } from "../../server/protocol/errors.ts";
import { randomFrom } from "./govern/randomTrace.ts";

function engine(id: string, model: string, more: Partial<EngineView> = {}): EngineView {
  const parametersB = Number(/(\d+)b$/.exec(model)?.[1] ?? 0) || null;
  return {
    id,
    roles: ["draft"],
    kind: "embedded",
    model: {
      ...{ id: model, label: model, parametersB, quantisation: null },
      ...{ contextTokens: 4_096, promptStyle: "chat", isTrial: false },
    },
    device: "cuda:0",
    isResident: true,
    hasRelay: false,
    serves: [],
    slots: 1,
    load: 0,
    prefillPerSecond: null,
    decodePerSecond: null,
    loadMs: 1_000,
    failures: 0,
    ...more,
  };
}

const large = (contextTokens: number) => ({ ...engine("x", "coder-14b").model, contextTokens });
const failed = (at: string, code: ErrorCode = "provider", more: Partial<Failure> = {}): Failure => ({
  ...{ engine: at, code, status: null, message: "it broke", phase: "text" },
  ...more,
});

const BIG = engine("draft", "coder-14b");
const TWIN = engine("twin", "coder-14b", { device: "cuda:1" });
const SMALL = engine("audit", "coder-1b", { roles: ["audit"] });
const MIDDLE = engine("middle", "coder-7b");
const SERVER = engine("lan", "http://lan", { kind: "endpoint", hasRelay: true });
const CLOUD = engine("cloud", "gpt", { kind: "endpoint", roles: ["cloud"], isCloud: true, hasRelay: true });
const VECTORS = engine("embed", "minilm", { roles: ["embed"] });
const NAMED = engine("coder-14b", "coder-14b", { roles: [] });
const ALL = [SERVER, SMALL, CLOUD, BIG, MIDDLE, VECTORS, TWIN];

const allowed = { isAllowed: true, why: "you allow it for complex tasks", when: "fallback" } as const;
const NEED: Need = { use: "write", pinned: null, isRelayOnly: false, tokens: 500 };
const OPEN = { state: "open", retryInMs: 9_000, why: "three failures" } as const;

interface Case {
  readonly name: string;
  readonly given?: Partial<FallbackInput>;
  readonly need?: Partial<Need>;
  readonly want: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: "the same model elsewhere, itself once more, smaller ones, others, the cloud",
    given: { cloud: allowed },
    want: ["twin", "draft", "middle", "audit", "lan", "cloud"],
  },
  { name: "no cloud unless it is allowed", want: ["twin", "draft", "middle", "audit", "lan"] },
  {
    name: "no cloud where it is forbidden, even when it is all there is",
    given: { engines: [SERVER, CLOUD], failures: [failed("lan", "timeout")], cloud: { ...allowed, isAllowed: false } },
    want: [],
  },
  {
    name: "a server that broke off is asked again after those that did not",
    given: { engines: [SERVER, SMALL], failures: [failed("lan")] },
    want: ["audit", "lan"],
  },
  {
    name: "a server that did not answer at all is not: it was asked several times",
    given: { engines: [SERVER, SMALL], failures: [failed("lan", "provider", { phase: "answer" })] },
    want: ["audit"],
  },
  {
    name: "a process of ours that died before any text is started anew",
    given: { engines: [BIG], failures: [failed("draft", "provider", { phase: "answer" })] },
    want: ["draft"],
  },
  { name: "but not a third time", given: { engines: [BIG], failures: [failed("draft"), failed("draft")] }, want: [] },
  {
    name: "nor one that cannot be loaded",
    given: { engines: [BIG], failures: [failed("draft", "model-unavailable", { phase: "turn" })] },
    want: [],
  },
  { name: "nor one that was too slow", given: { engines: [BIG], failures: [failed("draft", "timeout")] }, want: [] },
  {
    name: "who loads for long comes after who is there",
    given: { engines: [BIG, { ...TWIN, isResident: false, loadMs: 20_000 }, SMALL] },
    want: ["draft", "audit", "twin"],
  },
  {
    name: "nobody knows how long a load takes: it comes later too",
    given: { engines: [{ ...BIG, isResident: false, loadMs: null }, SMALL] },
    want: ["audit", "draft"],
  },
  {
    name: "an open breaker is left alone",
    given: { engines: [BIG, { ...TWIN, breaker: OPEN }, SMALL] },
    want: ["draft", "audit"],
  },
  {
    name: "those that failed already are out",
    given: {
      failures: [
        failed("draft", "timeout"),
        failed("twin", "timeout"),
        failed("middle", "provider", { phase: "turn" }),
      ],
    },
    want: ["audit", "lan"],
  },
  {
    name: "the order is as seen from the first, whoever failed last",
    given: { failures: [failed("draft", "timeout"), failed("audit", "timeout")] },
    want: ["twin", "middle", "lan"],
  },
  {
    name: "prompt and text must fit",
    given: { engines: [BIG, SMALL, { ...MIDDLE, model: { ...MIDDLE.model, contextTokens: 16_384 } }] },
    need: { tokens: 5_000 },
    want: ["middle"],
  },
  {
    name: "what a server holds is not known before it was asked",
    given: { engines: [BIG, { ...SERVER, isResident: false }] },
    need: { tokens: 5_000 },
    want: ["lan"],
  },
  {
    name: "too long a prompt only goes to more room",
    given: {
      engines: [BIG, TWIN, { ...SERVER, model: { ...SERVER.model, contextTokens: 32_768 } }],
      failures: [failed("draft", "context-length", { phase: "answer", status: 400 })],
    },
    want: ["lan"],
  },
  { name: "what only a server can do", need: { isRelayOnly: true }, given: { cloud: allowed }, want: ["lan", "cloud"] },
  {
    name: "one that shows when it is loaded may",
    given: { engines: [BIG, { ...TWIN, hasRelay: null }] },
    need: { isRelayOnly: true },
    want: ["twin"],
  },
  {
    name: "a named model is answered by no other",
    need: { pinned: "coder-14b" },
    given: { cloud: allowed },
    want: ["twin", "draft"],
  },
  { name: "one that is only for who names it", given: { engines: [BIG, NAMED] }, want: ["draft"] },
  {
    name: "is, for who does",
    given: { engines: [BIG, NAMED] },
    need: { pinned: "coder-14b" },
    want: ["coder-14b", "draft"],
  },
  {
    name: "vectors come from the same model or from none",
    given: {
      engines: [VECTORS, { ...VECTORS, id: "embed2" }, engine("other", "bge", { roles: ["embed"] }), SERVER],
      failures: [failed("embed", "timeout")],
    },
    need: { use: "embed" },
    want: ["embed2"],
  },
  { name: "an engine that is gone from the settings", given: { engines: [SMALL, SERVER] }, want: ["audit", "lan"] },
  {
    name: "nobody else",
    given: { engines: [BIG], failures: [failed("draft", "disabled", { phase: "turn" })] },
    want: [],
  },
];

for (const { name, given, need, want } of CASES)
  test(name, () => {
    const input = { engines: ALL, failures: [failed("draft")], cloud: null, ...given, need: { ...NEED, ...need } };
    assert.deepEqual(
      fallback(input).next.map((it) => it.engine),
      want,
    );
  });

const REMEDIES: readonly (readonly [Partial<Failure> & { code: ErrorCode }, ReturnType<typeof remedyFor>])[] = [
  [{ code: "provider" }, "elsewhere"],
  [{ code: "provider", status: 500 }, "elsewhere"],
  [{ code: "provider", status: 429 }, "elsewhere"],
  [{ code: "provider", status: 408 }, "elsewhere"],
  [{ code: "provider", status: 400 }, "none"],
  [{ code: "provider", status: 451 }, "none"],
  [{ code: "not-configured", status: 401 }, "elsewhere"],
  [{ code: "timeout" }, "elsewhere"],
  [{ code: "no-memory" }, "elsewhere"],
  [{ code: "no-space" }, "elsewhere"],
  [{ code: "model-unavailable", status: 404 }, "elsewhere"],
  [{ code: "disabled" }, "elsewhere"],
  [{ code: "context-length", status: 400 }, "larger"],
  [{ code: "bad-request" }, "none"],
  [{ code: "bad-input" }, "none"],
  [{ code: "unusable-draft" }, "none"],
  [{ code: "cancelled" }, "none"],
  [{ code: "shutting-down" }, "none"],
];

for (const [given, want] of REMEDIES)
  test(`${given.code} ${given.status ?? ""}: ${want}`, () =>
    assert.equal(remedyFor(failed("draft", given.code, given)), want));

test("each that is passed over has its reason", () => {
  const engines = [BIG, { ...TWIN, breaker: OPEN }, VECTORS, NAMED, CLOUD, { ...SMALL, model: large(400) }];
  const { passed } = fallback({ engines, failures: [failed("draft", "timeout")], need: NEED, cloud: null });
  assert.deepEqual(Object.fromEntries(passed.map(({ engine: id, why }) => [id, why])), {
    draft: "it failed",
    twin: "it is left alone for a while: three failures",
    embed: "it writes no text",
    "coder-14b": "it is only for who names its model",
    cloud: "the cloud is not allowed",
    audit: "prompt and text do not fit its context",
  });
});

test("whatever fails in whatever order, the walk ends, and nobody is asked more than twice", () => {
  const random = randomFrom(7);
  for (let round = 0; round < 300; round++) {
    const engines = ALL.filter(() => random() < 0.7);
    const [first] = engines;
    if (!first) continue;
    const failures: Failure[] = [];
    for (let at: string | undefined = first.id; at !== undefined; ) {
      const phase = (["turn", "answer", "text"] as const)[Math.floor(random() * 3)] ?? "text";
      failures.push(failed(at, "provider", { phase }));
      assert.ok(failures.length <= engines.length * 2);
      at = fallback({ engines, failures, need: NEED, cloud: allowed }).next[0]?.engine;
    }
    const times = (id: string) => failures.filter((it) => it.engine === id).length;
    for (const { id } of engines) assert.ok(times(id) <= 2, id);
    const able = engines.filter((it) => it !== VECTORS || it === first);
    assert.deepEqual(
      able.filter(({ id }) => times(id) === 0),
      [],
    );
  }
});

test("the order of the engines changes nothing but ties", () => {
  const input = { failures: [failed("draft")], need: NEED, cloud: allowed };
  assert.deepEqual(fallback({ ...input, engines: ALL.toReversed() }).next, fallback({ ...input, engines: ALL }).next);
});

const ready: readonly (readonly [string, Partial<EngineView>, boolean])[] = [
  ["one that is loaded and free stands ready", {}, true],
  ["one that must be loaded does not", { isResident: false }, false],
  ["nor one that is busy", { load: 1 }, false],
  ["nor one whose breaker is open", { breaker: OPEN }, false],
];

for (const [name, more, want] of ready)
  test(`to answer in another's place: ${name}`, () => {
    const engines = [SERVER, { ...SMALL, ...more }];
    assert.equal(isReplaceable("lan", { engines, failures: [], need: NEED, cloud: null }), want);
  });

test("a server that was asked but once, as another was ready, is asked again when that fails too", () => {
  const hasty = failed("lan", "provider", { phase: "answer", isHasty: true });
  const failures = [hasty, failed("audit", "timeout")];
  const { next } = fallback({ engines: [SERVER, SMALL], failures, need: NEED, cloud: null });
  assert.deepEqual(
    next.map((it) => it.engine),
    ["lan"],
  );
});
