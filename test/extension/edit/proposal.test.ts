import assert from "node:assert/strict";
import { test } from "node:test";
import { byFile, placeFindings, placeSeams, proposedText } from "../../../extension/edit/proposal.ts";
import type { FileEdit } from "../../../server/protocol/source.ts";

const BASE = "const one = 1;\n\nfunction two() {\n  return 2;\n}\n";
const at = (line: number) => ({ start: { line, character: 0 }, end: { line, character: 0 } });
const insert = (line: number, after: string): FileEdit => ({
  uri: "file:///a.ts",
  version: 1,
  range: at(line),
  before: "",
  after,
  isNewFile: false,
});
const newFile: FileEdit = {
  uri: "file:///a.test.ts",
  version: null,
  range: at(0),
  before: "",
  after: "import a;\n\ntest();\n",
  isNewFile: true,
};
const finding = (line: number) => ({ line, severity: "warning", message: "m", source: "audit" }) as const;

const cases = [
  {
    name: "a comment put in before line 3",
    edits: [insert(2, "/**\n * Two.\n */\n")],
    draft: "/**\n * Two.\n */\n",
    lines: [1, 2, 3],
    want: [
      [0, 2],
      [0, 3],
      [0, 4],
    ],
  },
  {
    name: "the draft starts with blank lines that were dropped",
    edits: [insert(2, "/** Two. */\n")],
    draft: "\n/** Two. */",
    lines: [2],
    want: [[0, 2]],
  },
  {
    name: "the draft is in the second file",
    edits: [insert(0, "export "), newFile],
    draft: "test();\n",
    lines: [1],
    want: [[1, 2]],
  },
  {
    name: "the draft was indented on its way",
    edits: [insert(3, "    return 2;\n    done();\n")],
    draft: "return 2;\ndone();\n",
    lines: [1, 2],
    want: [
      [0, 3],
      [0, 4],
    ],
  },
  {
    name: "a line past the end stays inside the edit",
    edits: [insert(3, "  x;\n")],
    draft: "not in there",
    lines: [99],
    want: [[0, 3]],
  },
  { name: "no findings", edits: [insert(0, "a\n")], draft: "a\n", lines: [], want: [] },
];

for (const it of cases)
  test(it.name, () => {
    const files = byFile(it.edits, () => BASE);
    const placed = placeFindings({ draft: it.draft, findings: it.lines.map(finding) }, files);
    assert.deepEqual(
      placed.map(({ file, line }) => [file, line]),
      it.want,
    );
  });

test("edits are grouped by file, in order, and a new file starts empty", () => {
  const files = byFile([insert(0, "a\n"), newFile, insert(2, "b\n")], () => BASE);
  assert.deepEqual(
    files.map((it) => [it.uri, it.isNewFile, it.edits.length, it.base.length]),
    [
      ["file:///a.ts", false, 2, BASE.length],
      ["file:///a.test.ts", true, 1, 0],
    ],
  );
  assert.deepEqual(
    files.map((it) => proposedText(it, it.base)),
    [`a\n${BASE.replace("function", "b\nfunction")}`, newFile.after],
  );
});

test("a seam stands at the line in which the other engine's text begins", () => {
  const draft = "/**\n * Two.\n */\n";
  const files = byFile([insert(2, draft)], () => BASE);
  const seam = (atCharacters: number) => ({ atCharacters, from: "a", to: "b", why: "c" });
  const seams = [seam(1), seam(draft.indexOf("Two")), seam(draft.length)];
  assert.deepEqual(
    placeSeams({ draft, seams }, files).map((it) => [it.file, it.line]),
    [
      [0, 2],
      [0, 3],
      [0, 5],
    ],
  );
});
