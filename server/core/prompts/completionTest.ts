import type { SourceDocument } from "../../protocol/source.ts";
import { lexisOf } from "../brackets.ts";
import type { Companion, DraftJob } from "../prompt.ts";
import { BETTER_MODEL, type Refusal, refuse } from "../refusal.ts";
import type { Task } from "../task.ts";
import { slice } from "../text.ts";
import { testPlace } from "./chat.ts";

const TEST_TOKENS = 140;

/** A test begun for a model that only continues text: the call is forced, the model fills in values. */
export function completionTestJob(task: Task, document: SourceDocument, companion: Companion): DraftJob | Refusal {
  const { target, facts } = task;
  const isScript = /^(java|type)script/.test(facts.id);
  if (target.kind !== "declaration" || target.declaration.depth > 0 || !(isScript || facts.id === "python"))
    return refuse(
      "bad-input",
      "This trial model writes tests only for top-level functions in TypeScript, JavaScript and Python",
      BETTER_MODEL,
    );
  const { name } = target.declaration;
  const code = slice(document.text, target.declaration.range).replace(/^export /, "");
  const begun = isScript ? scriptTest(name, companion) : `def test_${name}():\n    assert ${name}(`;
  const place = testPlace(companion);
  const imports =
    companion.text !== null
      ? missingImport(name, companion, isScript)
      : isScript
        ? scriptImports(name, companion)
        : `from ${companion.importPath} import ${name}\n\n\n`;
  const shown = isScript ? EXAMPLE(companion.framework) : PYTHON_EXAMPLE;
  return {
    kind: "job",
    prompt: { kind: "text", text: `${shown}\n${code}\n\n${begun}` },
    stop: isScript ? ["\n});"] : ["\ndef ", "\nclass ", "\n\n\n"],
    maxTokens: TEST_TOKENS,
    repeatPenalty: 1.05,
    extraction: isScript
      ? { kind: "braces", lexis: lexisOf(facts), opened: begun.slice(begun.indexOf("\n")) }
      : { kind: "indented", indent: "", isMidLine: true },
    lead: place.lead + imports + begun,
    tail: isScript ? "\n});\n" : "\n",
    place: place.place,
    brief: `Write tests for ${name}.`,
  };
}

function scriptTest(name: string, { framework }: Companion): string {
  return framework === "node:test"
    ? `test("${name}", () => {\n  assert.deepEqual(${name}`
    : `test("${name}", () => {\n  expect(${name}`;
}

function scriptImports(name: string, { framework, importPath }: Companion): string {
  const own = `import { ${name} } from "${importPath}";\n\n`;
  if (framework === "node:test")
    return `import assert from "node:assert/strict";\nimport { test } from "node:test";\n${own}`;
  return framework === "vitest" ? `import { expect, test } from "vitest";\n${own}` : own;
}

/** A test file that is there may not import this function yet; an import is allowed anywhere at the top level of a module. */
function missingImport(name: string, { text, importPath }: Companion, isScript: boolean): string {
  if (new RegExp(`import[^;\\n]*\\b${name}\\b`).test(text ?? "")) return "";
  return isScript ? `import { ${name} } from "${importPath}";\n\n` : `from ${importPath} import ${name}\n\n\n`;
}

const EXAMPLE = (framework: string) =>
  framework === "node:test"
    ? `function double(value) {\n  return value * 2;\n}\n\ntest("double", () => {\n  assert.deepEqual(double(2), 4);\n  assert.deepEqual(double(0), 0);\n  assert.deepEqual(double(-3), -6);\n});\n`
    : `function double(value) {\n  return value * 2;\n}\n\ntest("double", () => {\n  expect(double(2)).toEqual(4);\n  expect(double(0)).toEqual(0);\n});\n`;

const PYTHON_EXAMPLE = `def double(value):\n    return value * 2\n\n\ndef test_double():\n    assert double(2) == 4\n    assert double(0) == 0\n`;
