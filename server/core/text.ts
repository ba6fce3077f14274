import type { Position, Range } from "../protocol/source.ts";

/** Offset in UTF-16 code units of a position; past the end of a line or text it is the end of that line or text. */
export function offsetAt(text: string, position: Position): number {
  let start = 0;
  for (let line = 0; line < position.line; line++) {
    const next = text.indexOf("\n", start);
    if (next === -1) return text.length;
    start = next + 1;
  }
  const end = text.indexOf("\n", start);
  return Math.min(start + position.character, end === -1 ? text.length : end);
}

/** Position of an offset, clamped to the text. */
export function positionAt(text: string, offset: number): Position {
  const upTo = text.slice(0, Math.max(0, offset));
  const lastBreak = upTo.lastIndexOf("\n");
  let line = 0;
  for (let at = upTo.indexOf("\n"); at !== -1; at = upTo.indexOf("\n", at + 1)) line++;
  return { line, character: upTo.length - lastBreak - 1 };
}

export function slice(text: string, range: Range): string {
  return text.slice(offsetAt(text, range.start), offsetAt(text, range.end));
}

export function splice(text: string, range: Range, replacement: string): string {
  return text.slice(0, offsetAt(text, range.start)) + replacement + text.slice(offsetAt(text, range.end));
}

/** The text's own line break: the first one it has, "\n" when it has none. */
export function lineBreakOf(text: string): "\r\n" | "\n" {
  const at = text.indexOf("\n");
  return at > 0 && text[at - 1] === "\r" ? "\r\n" : "\n";
}

export function withBreaks(text: string, lineBreak: "\r\n" | "\n"): string {
  return lineBreak === "\n" ? text : text.replace(/\r?\n/g, lineBreak);
}

export function isEmpty(range: Range): boolean {
  return range.start.line === range.end.line && range.start.character === range.end.character;
}

/** Negative when `a` comes first. */
export function compare(a: Position, b: Position): number {
  return a.line - b.line || a.character - b.character;
}

/** Whether `outer` contains `inner`, ends touching included. */
export function contains(outer: Range, inner: Range): boolean {
  return compare(outer.start, inner.start) <= 0 && compare(outer.end, inner.end) >= 0;
}

/** The range without the white space at its ends; an all-white range shrinks to its start. */
export function trim(text: string, range: Range): Range {
  const from = offsetAt(text, range.start);
  const chosen = text.slice(from, offsetAt(text, range.end));
  const lead = chosen.length - chosen.trimStart().length;
  if (lead === chosen.length) return { start: range.start, end: range.start };
  return { start: positionAt(text, from + lead), end: positionAt(text, from + chosen.trimEnd().length) };
}

/** The text as a regular expression that matches just it. */
export function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Leading white space of the line. */
export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

/** The start of the line when only white space stands before, else the position itself. */
export function beforeIndent(text: string, at: Position): Position {
  const start = { line: at.line, character: 0 };
  return /^[ \t]*$/.test(slice(text, { start, end: at })) ? start : at;
}

/** One level of indentation as the text uses it: a tab, or its smallest step of at least two spaces; `fallback` when it shows none. */
export function indentUnitOf(text: string, fallback = "  "): string {
  let smallest = Number.POSITIVE_INFINITY;
  for (const line of text.split("\n", 2_000)) {
    if (line.startsWith("\t")) return "\t";
    const width = indentOf(line).length;
    if (width >= 2 && line.trim() !== "" && !line.trimStart().startsWith("*")) smallest = Math.min(smallest, width);
  }
  return Number.isFinite(smallest) ? " ".repeat(Math.min(smallest, 8)) : fallback;
}
