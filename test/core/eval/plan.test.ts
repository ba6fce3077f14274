import assert from "node:assert/strict";
import { test } from "node:test";
import { settingsOf } from "../../../server/core/eval/modes.ts";
import type { Outcome } from "../../../server/core/eval/outcome.ts";
import { BLOCK, ordered, turnsOf } from "../../../server/core/eval/plan.ts";
import { summarise } from "../../../server/core/eval/summary.ts";

const tasks = Array.from({ length: 30 }, (_, nth) => ({ id: `t${nth}`, language: ["a", "b", "c"][nth % 3] ?? "" }));

test("the order depends on the seed alone, and each beginning of it has all languages", () => {
  const first = ordered(tasks, 7).map((it) => it.id);
  assert.deepEqual(
    ordered(tasks.toReversed(), 7).map((it) => it.id),
    first,
  );
  assert.notDeepEqual(
    ordered(tasks, 8).map((it) => it.id),
    first,
  );
  assert.deepEqual(first.toSorted(), tasks.map((it) => it.id).toSorted(), "none is lost or doubled");
  for (let seed = 0; seed < 20; seed++)
    for (let length = 3; length <= 30; length += 3) {
      const counts = Object.values(Object.groupBy(ordered(tasks, seed).slice(0, length), (it) => it.language));
      assert.deepEqual(
        counts.map((it) => it?.length),
        [length / 3, length / 3, length / 3],
      );
    }
});

test("a seed moves every place alike", () => {
  const firsts = Array.from({ length: 300 }, (_, seed) => ordered(tasks, seed)[0]?.id);
  const counts = Object.values(Object.groupBy(firsts, String)).map((it) => it?.length ?? 0);
  assert.equal(counts.length, 10, "each task of the first language comes first some time");
  assert.ok(Math.min(...counts) >= 10 && Math.max(...counts) <= 60, counts.join(" "));
});

test("modes take turns by blocks, and whoever stops after a block has pairs", () => {
  const turns = turnsOf(tasks, ["draft", "audit"]);
  assert.equal(turns.length, 60);
  assert.deepEqual(
    turns.slice(0, 2 * BLOCK).map((it) => it.mode),
    [...Array(BLOCK).fill("draft"), ...Array(BLOCK).fill("audit")],
  );
  const ids = (mode: string) =>
    turns
      .slice(0, 2 * BLOCK)
      .filter((it) => it.mode === mode)
      .map((it) => it.task.id);
  assert.deepEqual(ids("draft"), ids("audit"));
});

const nothing = { why: null, drafter: "m", auditor: null, findings: 0, repairs: 0, overlap: null, cloud: null };
function outcome(mode: Outcome["mode"], task: string, kind: Outcome["kind"], ms = 1_000): Outcome {
  return { ...nothing, mode, task, kind, ms, language: task.startsWith("p") ? "python" : "rust" };
}

test("what an engine's failure ended counts neither way, what got no draft counts as not solved", () => {
  const { modes, pairs } = summarise([
    ...["p1", "p2", "r1", "r2"].map((it) => outcome("draft", it, it === "p1" ? "passed" : "failed")),
    outcome("draft", "r3", "error"),
    outcome("audit", "p1", "no-draft", 3_000),
    outcome("audit", "p2", "passed", 5_000),
    outcome("audit", "r1", "passed", 5_000),
    outcome("audit", "r2", "error"),
    outcome("audit", "r3", "passed", 9_000),
  ]);
  const [draft, audit] = modes;
  assert.deepEqual([draft?.passed, draft?.tasks, draft?.errors], [1, 4, 1]);
  assert.deepEqual([audit?.passed, audit?.tasks, audit?.noDraft, audit?.errors, audit?.medianMs], [3, 4, 1, 1, 5_000]);
  assert.deepEqual(audit?.drafters, [{ model: "m", tasks: 4 }]);
  assert.equal(audit?.unaudited, 3, "an audit that could not be had is told");
  assert.deepEqual(
    audit?.languages.map((it) => [it.language, it.passed, it.tasks]),
    [
      ["python", 1, 2],
      ["rust", 2, 2],
    ],
  );
  const [pair] = pairs;
  assert.deepEqual([pair?.first, pair?.second, pair?.tasks], ["audit", "draft", 3]);
  assert.deepEqual([pair?.onlyFirst, pair?.onlySecond, pair?.p], [2, 1, 1]);
  assert.equal(pairs.length, 1, "modes that did not run are not compared");
});

test("each mode changes what it is about and nothing else", () => {
  const own = {
    auditWhen: "complex",
    repair: "never",
    maxTokens: 700,
    rules: [{ pattern: "x", tier: "simple" }],
  } as const;
  const settings = { ...own, rules: [...own.rules] };
  const rivals = { large: "L", small: "S" };
  assert.deepEqual(settingsOf("draft", settings, rivals), { ...settings, auditWhen: "never" });
  assert.deepEqual(settingsOf("audit", settings, rivals), { ...settings, auditWhen: "always", repair: "once" });
  for (const [mode, model] of [
    ["large", "L"],
    ["small", "S"],
  ] as const)
    assert.deepEqual(settingsOf(mode, settings, rivals), {
      ...settings,
      auditWhen: "never",
      rules: [{ pattern: ".", model }],
    });
});
