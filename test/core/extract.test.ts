import assert from "node:assert/strict";
import { test } from "node:test";
import { lexisOf } from "../../server/core/brackets.ts";
import { createExtractor, type Extraction } from "../../server/core/extract.ts";
import { languageFacts } from "../../server/core/language.ts";
import { extract } from "./placing.ts";

const lexis = lexisOf(languageFacts("typescript"));
const BRACES: Extraction = { kind: "braces", lexis, opened: "" };
const CALL: Extraction = { kind: "braces", lexis, opened: "\n  equal(f" };
const LINES: Extraction = { kind: "indented", indent: "    ", isMidLine: false };
const BEGUN: Extraction = { kind: "indented", indent: "", isMidLine: true };
const EXPRESSION: Extraction = { kind: "expression", lexis };
const STATEMENT: Extraction = { kind: "statement", lexis };
const FENCE: Extraction = { kind: "fence", indent: "", unit: "", lexis, without: "" };
const INNER: Extraction = { kind: "fence", indent: "  ", unit: "  ", lexis, without: "," };
const TABS: Extraction = { kind: "fence", indent: "\t", unit: "\t", lexis, without: "" };
const FOUR: Extraction = { kind: "fence", indent: "    ", unit: "    ", lexis, without: "" };
const JSDOC = { first: "  * ", prefix: "  * ", close: "*/", afterLines: "" };
const COMMENT: Extraction = { kind: "comment", ...JSDOC };
const SLASHES = { first: "/// ", prefix: "/// ", close: "", afterLines: "" };
const QUOTED = { first: "", prefix: "    ", close: '"""', afterLines: "\n    " };

type Row = readonly [name: string, extraction: Extraction, raw: string, want: string];

const CODE: readonly Row[] = [
  [
    "ends before the brace that closes the block",
    BRACES,
    "  a();\n  if (b) {\n  }\n}\nc();",
    "  a();\n  if (b) {\n  }",
  ],
  ["without an end", BRACES, "  a();\n  b(", "  a();\n  b("],
  [
    "blank lines at the ends are left out, those between stay",
    BRACES,
    "\n\n  a();\n \n  b();\n\n}",
    "  a();\n\n  b();",
  ],
  ["the brace on the line of the code", BRACES, "  return 1; }", "  return 1;"],
  ["nothing", BRACES, "", ""],
  ["nothing but the end", BRACES, "}\n", ""],
  ["a brace in a string and one in a comment", BRACES, "  a('}'); // }\n}\n", "  a('}'); // }"],
  ["Windows line breaks", BRACES, "  a();\r\n  b();\r\n}\r\n", "  a();\n  b();"],
  ["what was opened for the model is closed by it", CALL, "(1), 2);\n  more();\n});", "(1), 2);\n  more();"],
  ["lines that are deep enough", LINES, "        a\n\n        b\n    c\n", "        a\n\n        b"],
  ["no line that is", LINES, "a\n", ""],
  ["cut off in the middle", LINES, "        a\n        if b", "        a\n        if b"],
  ["the line begun for the model counts as deep enough", BEGUN, "f(x):\n    return x\n\ny = 1", "f(x):\n    return x"],
  ["one line", EXPRESSION, "a + b;\nc", "a + b"],
  ["a comma that is not its own", EXPRESSION, "f(a, b), c", "f(a, b)"],
  ["a bracket that is not its own", EXPRESSION, "x * 2)).map(y)", "x * 2"],
  ["a chain", EXPRESSION, "xs\n  .map(f)\n  .join()\nnext()", "xs\n  .map(f)\n  .join()"],
  ["an operator at the end of the line", EXPRESSION, "a &&\n  b\nc", "a &&\n  b"],
  ["an object over several lines", EXPRESSION, "({\n  a: 1,\n});", "({\n  a: 1,\n})"],
  ["a function", STATEMENT, "f(a: {\n  b: 1 }) {\n  g();\n}\nrest", "f(a: {\n  b: 1 }) {\n  g();\n}"],
  ["a brace on its own line", STATEMENT, "f()\n{\n  g();\n}\nrest", "f()\n{\n  g();\n}"],
];

const F = "```";
const FENCES: readonly Row[] = [
  ["prose around", FENCE, `Sure:\n\n${F}ts\na();\n${F}\nDone.\n${F}\nb();\n${F}`, "a();"],
  ["tildes, and backticks inside", FENCE, `~~~\na\n${F}\nb\n~~~\n`, `a\n${F}\nb`],
  ["a longer fence around a shorter", FENCE, `${F}${"`"}md\n${F}\nx\n${F}\n${F}${"`"}\n`, `${F}\nx\n${F}`],
  [
    "a named fence inside one of the same length",
    FENCE,
    `${F}md\nx\n${F}sh\ny\n${F}\nz\n${F}\nno`,
    `x\n${F}sh\ny\n${F}\nz`,
  ],
  ["not closed", FENCE, `${F}\na();\n  b(`, "a();\n  b("],
  ["none", FENCE, "a();", ""],
  ["empty", FENCE, `${F}\n\n${F}`, ""],
  ["indented in a list", FENCE, `1. x\n   ${F}ts\n   a {\n     b\n   }\n   ${F}`, "a {\n  b\n}"],
  ["a line less deep than the first keeps what it has", FENCE, `${F}\n    a\n  b\n${F}`, "a\nb"],
  ["Windows line breaks", FENCE, `${F}ts\r\na\r\nb\r\n${F}\r\n`, "a\nb"],
  ["moved to the file's depth", INNER, `${F}\nf() {\n  a();\n\n  b();\n}\n${F}`, "  f() {\n    a();\n\n    b();\n  }"],
  [
    "all but the first line as deep as in the file",
    INNER,
    `${F}\nf() {\n    a();\n  }\n${F}`,
    "  f() {\n    a();\n  }",
  ],
  [
    "so also below a comment",
    INNER,
    `${F}\n/**\n   * A.\n   */\n  f() {\n  }\n${F}`,
    "  /**\n   * A.\n   */\n  f() {\n  }",
  ],
  ["and below a decorator", INNER, `${F}\n@Get()\n  f() {\n    a();\n  }\n${F}`, "  @Get()\n  f() {\n    a();\n  }"],
  [
    "spaces for a file with tabs, a comment and a continued line",
    TABS,
    `${F}\n/**\n * A.\n */\nf() {\n    if (a\n      && b) {\n        c();\n    }\n}\n${F}`,
    "\t/**\n\t * A.\n\t */\n\tf() {\n\t\tif (a\n\t\t  && b) {\n\t\t\tc();\n\t\t}\n\t}",
  ],
  [
    "two spaces for tabs, all but the first line deep",
    TABS,
    `${F}\nf() {\n    if (a) {\n      b();\n    }\n  }\n${F}`,
    "\tf() {\n\t\tif (a) {\n\t\t\tb();\n\t\t}\n\t}",
  ],
  [
    "four spaces for tabs, all but the first line deep",
    TABS,
    `${F}\nf() {\n        if (a) {\n            b();\n        }\n    }\n${F}`,
    "\tf() {\n\t\tif (a) {\n\t\t\tb();\n\t\t}\n\t}",
  ],
  [
    "spaces below a decorator, for tabs",
    TABS,
    `${F}\n@G()\n    f() {\n        a();\n    }\n${F}`,
    "\t@G()\n\tf() {\n\t\ta();\n\t}",
  ],
  [
    "tabs for spaces",
    INNER,
    `${F}\nf() {\n\tif (a) {\n\t\tb();\n\t}\n}\n${F}`,
    "  f() {\n    if (a) {\n      b();\n    }\n  }",
  ],
  [
    "four for two",
    INNER,
    `${F}\nf() {\n    if (a) {\n        b();\n    }\n}\n${F}`,
    "  f() {\n    if (a) {\n      b();\n    }\n  }",
  ],
  [
    "two for four",
    FOUR,
    `${F}\nf() {\n  if (a) {\n    b();\n  }\n}\n${F}`,
    "    f() {\n        if (a) {\n            b();\n        }\n    }",
  ],
  [
    "a line with other white space than the first keeps its depth",
    FOUR,
    `${F}\n\tf() {\n        a();\n\t}\n${F}`,
    "    f() {\n        a();\n    }",
  ],
  [
    "the lines of a template stay as they are",
    FOUR,
    `${F}\nf() {\n  return \`a\n  b\nc\`;\n}\n${F}`,
    "    f() {\n        return `a\n  b\nc`;\n    }",
  ],
  ["the comma that the file has", INNER, `${F}\na,\nb,\n${F}`, "  a,\n  b"],
];

const fenced = (dress: typeof JSDOC, open: string): Extraction => ({ kind: "fencedComment", open, ...dress });
const ADDED: readonly Row[] = [
  ["words after the opening", COMMENT, " A.\n * @param b  c\n */\nrest", "  * A.\n  * @param b  c"],
  ["words without marks", COMMENT, "A.\n\nB.", "  * A.\n  *\n  * B."],
  [
    "indentation below an example stays",
    COMMENT,
    "A.\n * @example\n *   f({\n *   })\n*/",
    "  * A.\n  * @example\n  *   f({\n  *   })",
  ],
  ["a list of stars", COMMENT, "A:\n * * b\n * * c */", "  * A:\n  * * b\n  * * c"],
  ["nothing before the end", COMMENT, "\n */", ""],
  [
    "line marks end with the first line that has none",
    { kind: "comment", ...SLASHES },
    " A.\n///\n/// B.\nfn f() {}",
    "/// A.\n///\n/// B.",
  ],
  ["and with a blank line", { kind: "comment", ...SLASHES }, " A.\n\n/// B.", "/// A."],
  ["one line in quotes", { kind: "comment", ...QUOTED }, 'A."""\n    x', "A."],
  [
    "lines in quotes; the quotes get a line",
    { kind: "comment", ...QUOTED },
    'A.\n\n  Args:\n    b: c"""',
    "A.\n\n    Args:\n      b: c\n    ",
  ],
  ["cut off in quotes", { kind: "comment", ...QUOTED }, "A.\nB", "A.\n    B\n    "],
  ["one line, in a fence", fenced(JSDOC, "/**"), `${F}ts\n/** A. */\nf() {}\n${F}`, "  * A."],
  [
    "code before it, code after it",
    fenced(JSDOC, "/**"),
    `${F}\nimport a;\n/**\n * A.\n */\nf();\n/** no */\n${F}`,
    "  * A.",
  ],
  ["a plain comment will do", fenced(JSDOC, "/**"), `${F}\n/* A. */\n${F}`, "  * A."],
  ["no comment at all", fenced(JSDOC, "/**"), `${F}\nf() {}\n${F}`, ""],
  [
    "line marks, code after it",
    fenced(SLASHES, ""),
    `${F}rs\n/// A.\n///\n/// B.\n#[x]\nfn f() {}\n/// no\n${F}`,
    "/// A.\n///\n/// B.",
  ],
  ["a block where lines are usual", fenced(SLASHES, ""), `${F}\n/**\n * A.\n * B.\n */\n${F}`, "/// A.\n/// B."],
  [
    "quotes, code around",
    fenced(QUOTED, '"""'),
    `${F}py\ndef f():\n    """A.\n\n    B:\n        c\n    """\n    x = """no"""\n${F}`,
    "A.\n\n    B:\n        c\n    ",
  ],
  ["a raw string", fenced(QUOTED, '"""'), `${F}\nr"""A \\d."""\n${F}`, "A \\d."],
  ["single quotes", fenced(QUOTED, '"""'), `${F}\n'''A.'''\n${F}`, "A."],
  [
    "a fence inside",
    fenced(QUOTED, '"""'),
    `${F}\n"""A.\n${F}py\nf()\n${F}\n"""\n${F}`,
    `A.\n    ${F}py\n    f()\n    ${F}\n    `,
  ],
];

const prose = "# T\r\n\n```ts\na\n```\n  \n";
const PROSE: readonly Row[] = [["comes as it is", { kind: "prose" }, prose, prose]];

function check([name, extraction, raw, want]: Row): void {
  test(`${extraction.kind}: ${name}`, () => assert.equal(extract(extraction, raw), want));
}
for (const row of [...CODE, ...FENCES, ...ADDED, ...PROSE]) check(row);

test("generation may stop as soon as nothing more can belong to the draft", () => {
  const isComplete = (extraction: Extraction, raw: string) => {
    const it = createExtractor(extraction);
    it.push(raw);
    return it.isComplete;
  };
  assert.equal(isComplete(BRACES, "  a();\n}\n"), true);
  assert.equal(isComplete(BRACES, "  a();\n}"), false);
  assert.equal(isComplete(FENCE, `${F}\na\n${F}\n`), true);
  assert.equal(isComplete(LINES, "        a\nb\n"), true);
  assert.equal(isComplete(COMMENT, " A. */\n"), true);
  assert.equal(isComplete({ kind: "prose" }, "a\n\n"), false);
});

test("text after the end changes nothing", () => {
  const it = createExtractor(BRACES);
  assert.equal(it.push("  a();\n}\n") + it.push("  b();\n") + it.finish(), "  a();");
});
