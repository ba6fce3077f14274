import type { FileEdit, Position, Range } from "../../server/protocol/source.ts";

/** A replacement in a text, by offsets in UTF-16 code units. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type PlacedEdit = Pick<FileEdit, "range" | "before" | "after">;

/** Lines of context on each side by which a pure insertion is found again. */
const CONTEXT_LINES = 2;

/**
 * Where the edits go in `text`, in order, or null when that is not certain: some `before` is neither at its range nor
 * exactly once elsewhere, or two edits overlap. `base` is the text the edits were made against.
 */
export function place(edits: readonly PlacedEdit[], base: string, text: string): readonly Splice[] | null {
  const splices: Splice[] = [];
  for (const edit of edits) {
    const found = text === base ? atRange(edit, text) : locate(edit, base, text);
    if (!found) return null;
    splices.push(found);
  }
  splices.sort((a, b) => a.start - b.start || a.end - b.end);
  const overlap = splices.some((it, index) => it.start < (splices[index - 1]?.end ?? 0));
  return overlap ? null : splices;
}

/** The text with the splices made; they must be in order and apart, as `place` returns them. */
export function splice(text: string, splices: readonly Splice[]): string {
  let result = "";
  let at = 0;
  for (const it of splices) {
    result += text.slice(at, it.start) + it.text;
    at = it.end;
  }
  return result + text.slice(at);
}

/** The same change without the lines that stay as they are, so that marks and cursors around it survive. */
export function shrink(text: string, whole: Splice): Splice {
  const before = text.slice(whole.start, whole.end).split(/(?<=\n)/);
  const after = whole.text.split(/(?<=\n)/);
  const limit = Math.min(before.length, after.length);
  let head = 0;
  while (head < limit && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < limit - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const length = (lines: readonly string[]) => lines.join("").length;
  return {
    start: whole.start + length(before.slice(0, head)),
    end: whole.end - length(before.slice(before.length - tail)),
    text: after.slice(head, after.length - tail).join(""),
  };
}

/** Offset of a position; past the end of a line it is the line's end, past the text the text's end. */
export function offsetAt(text: string, position: Position): number {
  let lineStart = 0;
  for (let line = 0; line < position.line; line++) {
    const next = text.indexOf("\n", lineStart);
    if (next === -1) return text.length;
    lineStart = next + 1;
  }
  const newline = text.indexOf("\n", lineStart);
  let lineEnd = newline === -1 ? text.length : newline;
  if (newline > lineStart && text[newline - 1] === "\r") lineEnd -= 1;
  return Math.min(lineStart + position.character, lineEnd);
}

/** Zero-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

function atRange(edit: PlacedEdit, text: string): Splice | null {
  const { start, end } = offsets(text, edit.range);
  return text.slice(start, end) === edit.before ? { start, end, text: edit.after } : null;
}

function locate(edit: PlacedEdit, base: string, text: string): Splice | null {
  if (edit.before.trim() === "") return locateByContext(edit, base, text);
  const inPlace = atRange(edit, text);
  if (inPlace) return inPlace;
  const start = onlyIndexOf(text, edit.before);
  return start === null ? null : { start, end: start + edit.before.length, text: edit.after };
}

/** Blank text is everywhere, so an insertion is found by the lines around it. */
function locateByContext(edit: PlacedEdit, base: string, text: string): Splice | null {
  const { start, end } = offsets(base, edit.range);
  if (base.slice(start, end) !== edit.before) return null;
  const contextStart = offsetAt(base, { line: Math.max(0, edit.range.start.line - CONTEXT_LINES), character: 0 });
  const contextEnd = offsetAt(base, { line: edit.range.end.line + CONTEXT_LINES, character: Number.MAX_SAFE_INTEGER });
  const context = base.slice(contextStart, contextEnd);
  if (context.trim() === "") return null;
  const found = onlyIndexOf(text, context);
  if (found === null) return null;
  const moved = found + (start - contextStart);
  return { start: moved, end: moved + edit.before.length, text: edit.after };
}

function onlyIndexOf(text: string, part: string): number | null {
  const first = text.indexOf(part);
  return first !== -1 && text.indexOf(part, first + 1) === -1 ? first : null;
}

function offsets(text: string, range: Range): { start: number; end: number } {
  return { start: offsetAt(text, range.start), end: offsetAt(text, range.end) };
}
