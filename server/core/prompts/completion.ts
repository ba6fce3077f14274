import type { Declaration } from "../../ports.ts";
import type { SourceDocument } from "../../protocol/source.ts";
import { lexisOf } from "../brackets.ts";
import type { Extraction } from "../extract.ts";
import type { LanguageFacts } from "../languages.ts";
import { type DraftJob, linesBefore } from "../prompt.ts";
import { BETTER_MODEL, type Refusal, refuse } from "../refusal.ts";
import { isStub } from "../target.ts";
import type { Task } from "../task.ts";
import { indentUnitOf, offsetAt, positionAt, slice } from "../text.ts";
import { placeDoc, placement } from "./docPlacement.ts";
import { exemplarDocs, exemplarFunctions } from "./exemplars.ts";
import { placeGap } from "./gap.ts";

/** A CPU reads some 80 tokens/s of this model's prompt, so the prompt is kept to what it can use. */
const MOST_CONTEXT = 1_800;
const MOST_CODE = 2_400;
const BODY_TOKENS = 220;
const DOC_TOKENS = 110;
/** What code without any indentation is given, where indentation is the syntax. */
const PYTHON_INDENT = "    ";

/** Prompts for a model that only continues text: real code up to the point where it should go on. */
export function completionJob(task: Task, document: SourceDocument): DraftJob | Refusal {
  const { target } = task;
  if (target.kind === "gap") return newCode(task, document);
  const declaration = target.kind === "declaration" ? target.declaration : enclosing(task);
  if (!declaration)
    return refuse("bad-input", "This trial model works on whole functions", `Select a whole function. ${BETTER_MODEL}`);
  if (slice(document.text, declaration.range).length > MOST_CODE)
    return refuse("context-length", `${declaration.name} is too long for this trial model`, BETTER_MODEL);
  return task.action === "docstring" ? docJob(task, document, declaration) : bodyJob(task, document, declaration);
}

function enclosing(task: Task): Declaration | null {
  const { target } = task;
  if (target.kind !== "selection") return null;
  const around = task.outline.declarations.filter(
    (it) => it.range.start.line <= target.range.start.line && it.range.end.line >= target.range.end.line,
  );
  return around.at(-1) ?? null;
}

function docJob(task: Task, document: SourceDocument, declaration: Declaration): DraftJob {
  const { facts } = task;
  const doc = placeDoc(document, facts, declaration);
  const mark = facts.lineComment ?? "//";
  const flat = placeDoc({ ...document, text: "" }, facts, {
    ...declaration,
    indent: "",
    docRange: null,
    bodyRange: null,
  });
  const dress = (words: readonly string[]) =>
    `${flat.lead.trimStart()}${words.map((it, index) => (index === 0 ? flat.extraction.first : flat.extraction.prefix) + it).join("\n")}${flat.tail.trimEnd()}`;
  const shown = exemplarDocs(facts).map(
    ({ code, words }) => `${mark} Task: document the function.\n${code}\n${mark} Documentation:\n${dress(words)}\n\n`,
  );
  const code = dedent(slice(document.text, declaration.range), declaration.indent);
  const wish = task.instruction === "" ? "" : ` ${oneLine(task.instruction)}`;
  const prompt = `${shown.join("")}${mark} Task: document the function.${wish}\n${code}\n${mark} Documentation:\n${flat.lead.trimStart()}${flat.extraction.first.trimEnd()}`;
  return {
    kind: "job",
    prompt: { kind: "text", text: prompt },
    stop: [flat.extraction.close || "\n\n", `\n${mark} Task`],
    maxTokens: DOC_TOKENS,
    repeatPenalty: 1.05,
    extraction: doc.extraction,
    lead: doc.lead,
    tail: doc.tail,
    place: doc.place,
    brief: `Document ${declaration.name}.`,
  };
}

function bodyJob(task: Task, document: SourceDocument, declaration: Declaration): DraftJob | Refusal {
  const { facts } = task;
  const body = declaration.bodyRange;
  if (!body)
    return refuse(
      "bad-input",
      `${declaration.name} has no body to write`,
      `Give it an empty body first. ${BETTER_MODEL}`,
    );
  const { indent, headRange, docRange } = declaration;
  const head = slice(document.text, headRange).trimEnd();
  const docstring = facts.doc?.kind === "inside" ? docRange : null;
  const doc = docRange && !docstring ? `${indent}${slice(document.text, docRange)}\n` : "";
  const inner = docstring
    ? `\n${indent}${indentUnitOf(document.text, PYTHON_INDENT)}${slice(document.text, docstring)}`
    : "";
  const isOnHeadLine = body.start.line === headRange.end.line;
  const extraction = bodyExtraction(facts, head, indent);
  const isBlock = extraction.kind !== "expression";
  const headEnd = positionAt(document.text, offsetAt(document.text, headRange.start) + head.length);
  const start = docstring?.end ?? (isOnHeadLine || !isBlock ? headEnd : body.start);
  return {
    kind: "job",
    prompt: {
      kind: "text",
      text: `${contextFor(task, document, declaration)}${doc}${indent}${head}${inner}${isBlock ? "\n" : " "}`,
    },
    stop: stopsFor(task, indent, isBlock),
    maxTokens: BODY_TOKENS,
    // A correction or rewrite repeats most of what it was shown.
    repeatPenalty: task.action === "implement" ? 1.05 : 1,
    extraction,
    lead: isBlock ? (isOnHeadLine || docstring ? "\n" : "") : " ",
    tail: isBlock && facts.blocks !== "indentation" ? `\n${indent}` : "",
    place: placement(document, { start, end: body.end }),
    brief: oneLine(`${task.action} ${declaration.name}. ${task.instruction}`),
  };
}

function bodyExtraction(facts: LanguageFacts, head: string, indent: string): Extraction {
  if (/\blambda\b[^\n]*:$/.test(head)) return { kind: "expression", lexis: lexisOf(facts) };
  if (facts.blocks !== "braces") return { kind: "indented", indent, isMidLine: false };
  const lexis = lexisOf(facts);
  return head.endsWith("{") ? { kind: "braces", lexis, opened: "" } : { kind: "expression", lexis };
}

/** Finished code of the file before the declaration, stubs left out, and what is asked for as a comment. */
function contextFor(task: Task, document: SourceDocument, declaration: Declaration): string {
  const { facts } = task;
  const mark = facts.lineComment ?? "//";
  const start =
    offsetAt(
      document.text,
      (declaration.docRange && facts.doc?.kind !== "inside" ? declaration.docRange : declaration.range).start,
    ) - declaration.indent.length;
  const finishedCode = withoutStubs(task, document, Math.max(0, start));
  const before = linesBefore(finishedCode, finishedCode.length, MOST_CONTEXT);
  const finished = task.outline.declarations.filter(
    (it) =>
      it.range.end.line < declaration.range.start.line &&
      it.bodyRange &&
      !isStub(slice(document.text, it.bodyRange)) &&
      it.kind !== "class",
  ).length;
  const exemplars = finished < 2 && declaration.depth === 0 ? `${exemplarFunctions(facts)}\n` : "";
  const old = dedent(slice(document.text, declaration.range), "");
  switch (task.action) {
    case "fix": {
      const problems = [...task.diagnostics.map((it) => it.message), task.instruction]
        .filter((it) => it !== "")
        .map(oneLine);
      return `${exemplars}${before}${declaration.indent}${mark} This version is wrong: ${problems.join("; ") || "it has a bug"}\n${declaration.indent}${old}\n\n${declaration.indent}${mark} This version is right:\n`;
    }
    case "refactor":
      return `${exemplars}${before}${declaration.indent}${mark} First version:\n${declaration.indent}${old}\n\n${declaration.indent}${mark} Better version (${oneLine(task.instruction) || "shorter and clearer"}):\n`;
    default:
      return `${exemplars}${before}${needsWish(task, declaration) ? `${declaration.indent}${mark} ${oneLine(task.instruction)}\n` : ""}`;
  }
}

/** "Implement median" says nothing that the signature does not. */
function needsWish(task: Task, declaration: Declaration): boolean {
  const said = task.instruction
    .replace(declaration.name, "")
    .replace(/\b(implement|write|the|function|method|please|complete|finish|body|of)\b/gi, "");
  return /\w{3}/.test(said);
}

function withoutStubs(task: Task, document: SourceDocument, end: number): string {
  let text = document.text.slice(0, end);
  for (const it of task.outline.declarations.toReversed()) {
    const from = offsetAt(
      document.text,
      it.docRange && task.facts.doc?.kind !== "inside" ? it.docRange.start : it.range.start,
    );
    const to = offsetAt(document.text, it.range.end);
    if (to <= end && it.kind !== "class" && it.bodyRange && isStub(slice(document.text, it.bodyRange)))
      text = text.slice(0, from) + text.slice(to).replace(/^\s*\n/, "");
  }
  return text;
}

function newCode(task: Task, document: SourceDocument): DraftJob | Refusal {
  const { facts, target } = task;
  const doc = facts.doc;
  const keyword = facts.id === "python" ? "def " : /^(java|type)script/.test(facts.id) ? "export function " : null;
  if (target.kind !== "gap" || !keyword || document.text.trim() === "" || task.instruction === "" || !doc)
    return refuse(
      "bad-input",
      "This trial model continues code: it needs a signature to go on from",
      `Write the signature with a comment that says what it does, then implement that. ${BETTER_MODEL}`,
    );
  const comment =
    doc.kind === "before" && doc.open
      ? `${doc.open} ${oneLine(task.instruction)} ${doc.close?.trim() ?? ""}\n`
      : `# ${oneLine(task.instruction)}\n`;
  const gap = placeGap(document, target.at, facts);
  const before = linesBefore(document.text, offsetAt(document.text, gap.place.range.start), MOST_CONTEXT);
  const lead = `${gap.lead}${comment}${keyword}`;
  const extraction: Extraction =
    facts.blocks === "braces"
      ? { kind: "statement", lexis: lexisOf(facts) }
      : { kind: "indented", indent: "", isMidLine: true };
  return {
    kind: "job",
    prompt: { kind: "text", text: `${exemplarFunctions(facts)}\n${before}${lead}` },
    stop: facts.blocks === "braces" ? ["\n\n/**"] : ["\ndef ", "\nclass ", "\n#"],
    maxTokens: BODY_TOKENS,
    repeatPenalty: 1.05,
    extraction,
    lead,
    tail: gap.tail,
    place: gap.place,
    brief: oneLine(task.instruction),
  };
}

function stopsFor(task: Task, indent: string, isBlock: boolean): string[] {
  if (!isBlock) return ["\n\n", "\n/**"];
  if (task.facts.blocks === "braces") return indent === "" ? ["\n}", "\n/**"] : [];
  return indent === "" ? ["\ndef ", "\nclass ", "\n@", "\n#", "\nif __name__"] : [];
}

function dedent(code: string, indent: string): string {
  return indent === ""
    ? code
    : code
        .split("\n")
        .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
        .join("\n");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").replace(/\*\//g, "* /").trim();
}
