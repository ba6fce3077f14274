import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { partsOf, wholeOf } from "../../../server/core/audit/parts.ts";
import { type Judged, reportOf } from "../../../server/core/eval/agreement.ts";
import { FAULTS, type PlantedDraft, readPlanted } from "../../../server/core/eval/planted.ts";
import { readEvalTask } from "../../../server/core/eval/task.ts";
import { readPlantedDrafts } from "../../../server/eval/tasks.ts";

const FENCE = "```";
const section = (title: string, body: string) => `## ${title}\n${FENCE}\n${body}\n${FENCE}\n\n`;
const HEAD =
  "# x\n\n- language: python\n- kind: fix\n- file: x.py\n- target: f\n\nMend f: it\nis wrong.\n\nAt once.\n\n";
const BODY =
  section("file", "def f(): pass") +
  section("tests", "f()") +
  section("reference", "def f():\n    return 1\n    # end");

test("a task is read from Markdown, its instruction as one would type it, its wrong solutions as changes of the right one", () => {
  const read = readEvalTask("python/x", HEAD + BODY + section("wrong: two", "-    return 1\n+    return 2"));
  assert.ok(!("why" in read));
  assert.equal(read.instruction, "Mend f: it is wrong.\n\nAt once.");
  assert.deepEqual(read.wrong, [{ why: "two", text: "def f():\n    return 2\n    # end\n" }]);
  const windows = readEvalTask("python/x", (HEAD + BODY).replaceAll("\n", "\r\n"));
  assert.ok(!("why" in windows) && windows.reference === read.reference);
});

const MALFORMED = [
  { name: "an unknown language", text: HEAD.replace("python", "cobol") + BODY, says: /language is none of/ },
  { name: "an unknown kind", text: HEAD.replace("fix", "pray") + BODY, says: /kind is none of/ },
  { name: "a file elsewhere", text: HEAD.replace("x.py", "../x.py") + BODY, says: /no plain file name/ },
  { name: "no target", text: HEAD.replace("- target: f\n", "") + BODY, says: /target is missing/ },
  { name: "no instruction", text: HEAD.slice(0, HEAD.indexOf("Mend")) + BODY, says: /no instruction/ },
  { name: "no tests", text: HEAD + BODY.replace("## tests", "## test"), says: /tests or reference is missing/ },
  {
    name: "a change of what is not there",
    text: HEAD + BODY + section("wrong: a", "-    return 9\n+x"),
    says: /exactly once/,
  },
  { name: "a change of half a line", text: HEAD + BODY + section("wrong: a", "-return 1\n+x"), says: /exactly once/ },
];
for (const { name, text, says } of MALFORMED)
  test(`a task with ${name} is refused`, () => {
    const read = readEvalTask("python/x", text);
    assert.ok("why" in read);
    assert.match(read.why, says);
  });

const planted = await readPlantedDrafts(fileURLToPath(new URL("../../../evals/planted", import.meta.url)));

test("at least 44 drafts have a planted fault of six kinds in three languages, and clean ones stand beside them", () => {
  const faulty = planted.filter((it) => it.fault !== null);
  assert.ok(faulty.length >= 44, `${faulty.length}`);
  assert.ok(planted.length - faulty.length >= 12);
  for (const kind of FAULTS) assert.ok(faulty.filter((it) => it.fault?.kind === kind).length >= 6, kind);
  assert.equal(new Set(planted.map((it) => it.language)).size, 3);
  assert.equal(new Set(planted.map((it) => it.text)).size, planted.length, "no two are the same");
});

test("the line of a fault is the first that differs", () => {
  const read = readPlanted(
    "x",
    "- language: rust\n\nDo x.\n\n" +
      section("draft", "a\nb\nc") +
      section("syntax: gone", "-b\n+") +
      section("off-by-one: y", "-c\n+d"),
  );
  assert.ok(!("why" in read));
  assert.deepEqual(
    read.map((it) => it.fault?.line ?? null),
    [null, 2, 3],
  );
});

test("parts are all of a draft, in order, none too small but the last; the whole is one", () => {
  for (const { text, language, id } of planted) {
    const parts = partsOf(text, language);
    assert.equal(parts.map((it) => it.text).join("\n"), text, id);
    assert.ok(parts.length >= 2, `${id}: ${parts.length} parts`);
    let next = 1;
    for (const [nth, part] of parts.entries()) {
      assert.equal(part.fromLine, next);
      assert.ok(nth === parts.length - 1 || part.toLine - part.fromLine >= 3, id);
      assert.equal(part.isWhole, false);
      next = part.toLine + 1;
    }
    const whole = wholeOf(text);
    assert.deepEqual([whole.text, whole.toLine, whole.isWhole], [text, next - 1, true]);
  }
});

test("recall, precision, false alarms and agreement are told apart", () => {
  const draft = (fault: PlantedDraft["fault"]): PlantedDraft => ({
    id: "x",
    language: "rust",
    brief: "x",
    text: "x",
    fault,
  });
  const said = (...lines: number[]) => ({ isFlagged: lines.length > 0, lines, unclear: 0 });
  const judged = (fault: PlantedDraft["fault"], parts: number[], final: number[], whole: number[]): Judged => ({
    ...{ draft: draft(fault), parts: said(...parts), partsAndFinal: said(...final), whole: said(...whole) },
  });
  const report = reportOf([
    judged({ kind: "syntax", line: 5 }, [6], [6], [5]),
    judged({ kind: "syntax", line: 5 }, [], [9], [5]),
    judged({ kind: "off-by-one", line: 2 }, [], [], [2]),
    judged(null, [1], [1], []),
    judged(null, [], [], []),
  ]);
  const shares = (way: "parts" | "partsAndFinal" | "whole") => {
    const { recall, precision, falseAlarms, atLine } = report.quality[way];
    return [recall, precision, falseAlarms, atLine].map((it) => it && Number(it.share.toFixed(3)));
  };
  assert.deepEqual(shares("parts"), [0.333, 0.5, 0.5, 0.333]);
  assert.deepEqual(shares("partsAndFinal"), [0.667, 0.667, 0.5, 0.333]);
  assert.deepEqual(shares("whole"), [1, 1, 0, 1]);
  assert.deepEqual(report.quality.whole.byFault["off-by-one"], { found: 1, of: 1 });
  assert.deepEqual(report.with.partsAndFinal.table, { bothYes: 2, bothNo: 1, onlyFirst: 1, onlySecond: 1 });
  assert.equal(report.with.partsAndFinal.share, 0.6);
  assert.deepEqual([report.drafts, report.faulty], [5, 3]);
});
