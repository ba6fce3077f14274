import type { Finding } from "../protocol/run.ts";
import type { FileEdit } from "../protocol/source.ts";
import { damage, misfit } from "./damage.ts";
import { counterpart, type Judged } from "./judged.ts";
import type { Placement } from "./prompt.ts";
import { isStub } from "./target.ts";
import type { Task } from "./task.ts";
import { beforeIndent, lineBreakOf, slice, splice, withBreaks } from "./text.ts";

/** The same lines over and over are what a small model writes when it has nothing to say: this often in a row is too often. */
const MOST_REPEATS = 4;
/** The longest round of lines that is looked for. */
const MOST_PERIOD = 6;

/** The edit a draft makes; the file's own line breaks are kept. */
export function toEdit(place: Placement, draft: string): FileEdit {
  const after = withBreaks(draft, lineBreakOf(place.text));
  return {
    uri: place.uri,
    version: place.version,
    range: place.range,
    before: place.before,
    after,
    isNewFile: place.isNewFile,
  };
}

/** The whole text after the edit. */
export function applied(place: Placement, edit: FileEdit): string {
  return splice(place.text, edit.range, edit.after);
}

/** Why a draft is not an edit that may be offered; null when it is. */
export function objection(judged: Judged): string | null {
  const { task, edit, written, before, after } = judged;
  if (written.trim() === "") return "the model wrote nothing";
  if (edit.after.trim() === edit.before.trim()) return "the draft changes nothing";
  const repeated = mostRepeated(written);
  if (repeated) return `the model repeats itself: "${repeated.slice(0, 60)}"`;
  const unfit = misfit(judged);
  if (unfit) return unfit;
  const fresh = newErrors(judged);
  const [first] = fresh;
  if (first)
    return `it does not parse: ${first.message} at line ${first.line + 1}${judged.isCutOff ? "; it was cut off by the token limit" : ""}`;
  const isOwn = before.errors.some((it) => it.line >= edit.range.start.line && it.line <= edit.range.end.line);
  if (task.action === "fix" && isOwn && after.errors.length >= before.errors.length)
    return "the syntax error is still there";
  return declarationObjection(judged) ?? damage(judged);
}

/** Syntax errors of the new text that point into the draft, as findings on the draft's own lines. */
export function syntaxFindings({ edit, after }: Pick<Judged, "edit" | "after">): Finding[] {
  const from = edit.range.start.line;
  const lines = edit.after.split("\n").length;
  return after.errors
    .filter((it) => it.line >= from && it.line < from + lines)
    .map((it) => ({ line: it.line - from + 1, severity: "error", message: it.message, source: "syntax" }));
}

/** Errors that were not there before. Grammars reject some correct code, so the file's own errors are forgiven; a fix may leave some. */
function newErrors({ task, before, after, edit }: Judged) {
  const isProgress = task.action === "fix" && before.errors.length > 0 && after.errors.length <= before.errors.length;
  if (isProgress) return [];
  const shift = edit.after.split("\n").length - edit.before.split("\n").length;
  const end = edit.range.end.line;
  const known = new Set(before.errors.map((it) => `${it.line > end ? it.line + shift : it.line} ${it.message}`));
  return after.errors.filter((it) => !known.has(`${it.line} ${it.message}`));
}

/** What was asked for must be there afterwards: the function with a body, the documentation on the function. */
function declarationObjection({ task, place, edit, before, after }: Judged): string | null {
  const { target, action } = task;
  if (target.kind !== "declaration" || !after.isKnown || place.uri !== task.document?.uri) return null;
  const { name } = target.declaration;
  const now = counterpart(target.declaration, before, after);
  const text = applied(place, edit);
  switch (action) {
    case "docstring":
      return now?.docRange && slice(text, now.docRange).trim() !== "" ? null : `the comment does not document ${name}`;
    case "implement":
      if (!now) return gone(name);
      return now.bodyRange && now.kind !== "class" && isStub(slice(text, now.bodyRange))
        ? `the body of ${name} is still empty`
        : null;
    case "fix":
      return now ? null : gone(name);
    default:
      return null;
  }
}

function gone(name: string): string {
  return `${name} is gone: the draft does not declare it`;
}

/** The first of the lines that are written over and over without a break. */
function mostRepeated(text: string): string | null {
  const lines = text
    .split("\n")
    .map((it) => it.trim())
    .filter((it) => it !== "");
  for (let period = 1; period <= MOST_PERIOD; period++) {
    let run = 0;
    for (let at = period; at < lines.length; at++) {
      run = lines[at] === lines[at - period] ? run + 1 : 0;
      if (run < MOST_REPEATS * period) continue;
      const round = lines.slice(at - period + 1, at + 1);
      const worst = round.find((it) => /\w/.test(it));
      if (worst) return worst;
    }
  }
  return null;
}

/** Keeps a doc comment the model left out: the edit then begins after it. */
export function keepDoc(task: Task, place: Placement, draft: string): Placement {
  if (task.target.kind !== "declaration" || place.uri !== task.document?.uri || task.action === "docstring")
    return place;
  const { docRange, range } = task.target.declaration;
  const opens = (text: string) => /^\s*(\/\*|\/\/|#(?!\[)|""")/.test(text);
  if (!docRange || task.facts.doc?.kind === "inside" || !opens(place.before) || opens(draft)) return place;
  const start = beforeIndent(place.text, range.start);
  const kept = { start, end: place.range.end };
  return { ...place, range: kept, before: slice(place.text, kept) };
}
