import assert from "node:assert/strict";
import { test } from "node:test";
import { route } from "../../server/core/route/decide.ts";
import { DEFAULT_POLICY } from "../../server/core/route/policy.ts";
import type { RouteInput } from "../../server/core/route.ts";
import { engine, LARGE, ORDINARY } from "./routeCases.ts";

/** Reads 4,000 and writes 20 tokens a second; the other reads 400 and writes 100. */
const READER = engine("reader", ["audit"], { prefillPerSecond: 4_000, decodePerSecond: 20 });
const WRITER = engine("writer", ["audit"], { prefillPerSecond: 400, decodePerSecond: 100 });
const AUDITED = { ...ORDINARY, isAudited: true, engines: [LARGE, READER, WRITER] };

const cases: readonly { name: string; input: Partial<RouteInput>; want: string }[] = [
  { name: "a long draft is audited by who reads fast", input: { outputTokens: 1_000 }, want: "reader" },
  {
    name: "a short task by who writes its verdict sooner",
    input: { promptTokens: 100, outputTokens: 50 },
    want: "writer",
  },
  {
    name: "who has the task's own prompt warm has read nothing of the audit's",
    input: { outputTokens: 1_000, warmTokens: { writer: 900 } },
    want: "reader",
  },
];
for (const { name, input, want } of cases)
  test(name, () => assert.equal(route({ ...AUDITED, ...input })?.audit?.engine, want));

test("an audit is priced as what it is: task and draft are read, verdicts are written", () => {
  const { cost, engine: id } = route({ ...AUDITED, promptTokens: 1_000, outputTokens: 1_000 })?.audit ?? {};
  assert.equal(id, "reader");
  assert.equal(cost?.prefillMs, 500);
  assert.equal(cost?.decodeMs, (DEFAULT_POLICY.auditTokens / 20) * 1_000);
});
