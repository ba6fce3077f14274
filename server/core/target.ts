import type { Declaration, Outline } from "../ports.ts";
import type { Action } from "../protocol/run.ts";
import type { Position, Range } from "../protocol/source.ts";
import { compare, contains, escaped, isEmpty, slice, trim } from "./text.ts";

/** What part of the text a task is about. */
export type Target =
  | { readonly kind: "declaration"; readonly declaration: Declaration; readonly why: string }
  | { readonly kind: "selection"; readonly range: Range; readonly why: string }
  /** Nothing is there yet: new code goes here. */
  | { readonly kind: "gap"; readonly at: Position; readonly why: string }
  | { readonly kind: "none"; readonly why: string };

export interface TargetInput {
  readonly action: Action;
  readonly instruction: string;
  readonly text: string;
  readonly range: Range | null;
  readonly outline: Outline;
}

/** The declaration, selection or gap that is meant: by the selection, the cursor, or a name in the instruction. */
export function findTarget(input: TargetInput): Target {
  if (!input.range) return byName(input);
  const range = trim(input.text, input.range);
  return isEmpty(range) ? atCursor(input, input.range.start) : atSelection(input, range);
}

/** The range of a target in the text, a doc comment before it included. */
export function targetRange(target: Target): Range | null {
  switch (target.kind) {
    case "declaration": {
      const { range, docRange } = target.declaration;
      return docRange && compare(docRange.start, range.start) < 0 ? { start: docRange.start, end: range.end } : range;
    }
    case "selection":
      return target.range;
    case "gap":
      return { start: target.at, end: target.at };
    case "none":
      return null;
  }
}

/** A body that is there to be replaced: empty, a lone `pass`, or nothing but "not implemented". */
export function isStub(body: string): boolean {
  const code = body
    .replace(/\/\/.*|\/\*[\s\S]*?\*\/|^\s*#.*$/gm, "")
    .replace(/^\s*(?:"""[\s\S]*?"""|'''[\s\S]*?''')/, "")
    .trim();
  if (code === "" || code === "pass" || code === "...") return true;
  return code.length < MOST_STUB && (/^(todo|unimplemented)!?\s*\(/i.test(code) || STUB.test(code));
}

const MOST_STUB = 160;
const STUB = /^(throw|raise|panic|return)\b[^\n]*(not[ _]?(yet[ _]?)?implemented|unimplemented|\btodo\b)/i;

function atCursor(input: TargetInput, at: Position): Target {
  const cursor = { start: at, end: at };
  const around = input.outline.declarations.filter(
    (it) => contains(lines(it.range), cursor) || (it.docRange && contains(lines(it.docRange), cursor)),
  );
  const inner = around.at(-1);
  if (inner) return { kind: "declaration", declaration: inner, why: `the cursor is in ${inner.name}` };
  if (input.action === "implement") return { kind: "gap", at, why: "the cursor is outside every declaration" };
  return byName(input);
}

function atSelection(input: TargetInput, range: Range): Target {
  const exact = input.outline.declarations.find((it) => contains(range, it.range) && contains(withDoc(it), range));
  if (exact) return { kind: "declaration", declaration: exact, why: `${exact.name} is selected` };
  if (input.action === "docstring") {
    const first = input.outline.declarations.find(
      (it) => compare(it.range.start, range.start) >= 0 && contains(range, it.headRange),
    );
    if (first)
      return { kind: "declaration", declaration: first, why: `${first.name} is the first declaration selected` };
  }
  if (input.action === "docstring" || input.action === "implement" || input.action === "test") {
    const around = input.outline.declarations.filter((it) => contains(withDoc(it), range)).at(-1);
    if (around) return { kind: "declaration", declaration: around, why: `the selection is in ${around.name}` };
  }
  return { kind: "selection", range, why: "the selected lines" };
}

function byName(input: TargetInput): Target {
  const { outline, instruction, action, text } = input;
  const fresh = action === "implement" ? newName(input) : null;
  if (fresh) return { kind: "gap", at: endOf(text), why: `${fresh} is new: it goes to the file's end` };
  const named = outline.declarations.filter((it) => mentions(instruction, it.name));
  if (named.length > 0) return mostNamed(named, input);
  if (action === "implement") {
    const stubs = outline.declarations.filter(
      (it) => it.kind !== "class" && it.bodyRange && isStub(slice(text, it.bodyRange)),
    );
    const [stub] = stubs;
    if (stub && stubs.length === 1)
      return { kind: "declaration", declaration: stub, why: `${stub.name} is the only one still to be written` };
    return { kind: "gap", at: endOf(text), why: "nothing in the file is named: new code goes to its end" };
  }
  const outer = outline.declarations.filter((it) => it.depth === 0);
  const [only] = outer;
  if (only && outer.length === 1)
    return { kind: "declaration", declaration: only, why: `${only.name} is all the file declares` };
  if (action === "explain" || action === "ask") {
    if (text.trim() === "") return { kind: "none", why: "there is no code" };
    return { kind: "selection", range: whole(text), why: "the whole file" };
  }
  return { kind: "none", why: "the request names nothing that the file declares" };
}

/** The name that comes first is the one meant; of several declarations with that name, the one with a body, or the one in a class that is named too. */
function mostNamed(named: readonly Declaration[], { instruction, outline }: TargetInput): Target {
  const object = named.find((it) => it.kind === "class" && isObject(it, instruction));
  if (object) return { kind: "declaration", declaration: object, why: `the request is about the class ${object.name}` };
  const inner = named.filter((it) => it.kind === "method" && isOwnerNamed(it, named));
  const [first] = (inner.length > 0 ? inner : named).toSorted(
    (a, b) => placeOf(a, instruction) - placeOf(b, instruction),
  );
  const found = inner.length > 0 ? inner : named;
  const same = outline.declarations.filter((it) => it.name === first?.name && found.includes(it));
  const withBody = same.filter((it) => it.bodyRange);
  const best = withBody[0] ?? first;
  if (!best) return { kind: "none", why: `nothing is named by "${instruction}"` };
  if (withBody.length < 2) return { kind: "declaration", declaration: best, why: `the request names ${best.name}` };
  const lines = withBody.map((it) => it.range.start.line + 1).join(", ");
  return { kind: "none", why: `${best.name} is declared in lines ${lines}` };
}

/** "Fix the class Basket: …": what follows speaks of its inside. */
function isObject({ name }: Declaration, instruction: string): boolean {
  const start = `^\\s*(?:please )?\\w+ (?:the )?(?:class|struct|type) [\`"']?${escaped(name)}(?![\\w$])`;
  return new RegExp(start, "i").test(instruction);
}

/** Where a name that is mentioned stands in the instruction. */
function placeOf({ name }: Declaration, instruction: string): number {
  return instruction.search(new RegExp(`(?<![\\w$])${escaped(name)}(?![\\w$])`));
}

/** "add a function median", "create a class called Basket": the name of something new; null when it is there already. */
function newName({ instruction, outline }: TargetInput): string | null {
  const said =
    /\b(?:function|method|class|component|helper|hook|interface|type|struct|enum)\s+(?:called\s+|named\s+)?[`"']?([A-Za-z_$][\w$]*)/.exec(
      instruction,
    );
  const name = said?.[1];
  if (!name || NOT_A_NAME.test(name) || outline.declarations.some((it) => it.name === name)) return null;
  return name;
}

/** What may follow "a function" without being its name. */
const NOT_A_NAME =
  /^(that|which|to|for|with|in|of|and|or|so|it|is|the|a|an|from|at|on|body|here|below|above|using|when|returning|called|named|definition|implementation|signature)$/i;

function isOwnerNamed(method: Declaration, named: readonly Declaration[]): boolean {
  return named.some((it) => it !== method && it.kind === "class" && contains(it.range, method.range));
}

/** Names that a request may hold as ordinary words; they must be marked as code, or called a function. */
const ORDINARY =
  /^(add|all|and|as|at|by|call|check|clean|code|create|data|docs?|edit|explain|file|find|fix|for|format|from|get|have|how|in|is|it|list|main|make|move|new|not|of|on|open|or|read|refactor|remove|rename|run|send|set|show|sort|start|stop|test|tests|text|that|the|this|to|type|update|use|value|values|what|when|with|work|write)$/;

/** Whole words only, so that `max` is not found in "maximum". Names that are short or ordinary words must be marked as code, or follow the action at once. */
function mentions(instruction: string, name: string): boolean {
  const word = escaped(name);
  if (name.length > 2 && !ORDINARY.test(name)) return new RegExp(`(?<![\\w$])${word}(?![\\w$])`).test(instruction);
  const marked = `[\`"'.]${word}[\`"'(]|(?<![\\w$])${word}(\\(|[\`"']? (function|method|class)\\b)|\\b(function|method|class) [\`"']?${word}(?![\\w$])|[\\w$]\\.${word}(?![\\w$])`;
  const object = `^\\s*(?:please )?(?:fix|document|explain|refactor|test|implement|simplify|optimi[sz]e) ${word}(?=\\s*(?:$|[,.;:?!]|\\s(?:so|to|that|which|by|with|in|when|if|for|and)\\b))`;
  return new RegExp(`${marked}|${object}`).test(instruction);
}

function withDoc(declaration: Declaration): Range {
  const { range, docRange } = declaration;
  return docRange && compare(docRange.start, range.start) < 0
    ? { start: docRange.start, end: range.end }
    : lines(range);
}

/** The range widened to the start of its first line, so that a cursor in the indentation counts. */
function lines(range: Range): Range {
  return { start: { line: range.start.line, character: 0 }, end: range.end };
}

function endOf(text: string): Position {
  const rows = text.split("\n");
  return { line: rows.length - 1, character: rows.at(-1)?.length ?? 0 };
}

function whole(text: string): Range {
  return { start: { line: 0, character: 0 }, end: endOf(text) };
}
