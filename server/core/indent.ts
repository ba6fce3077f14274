import { type Lexis, scanBrackets } from "./brackets.ts";
import { indentOf } from "./text.ts";

/** How a model's lines are to stand in the file. */
export interface Indentation {
  /** White space the first line gets. */
  readonly indent: string;
  /** One level as the file has it; "" leaves the model's own levels. */
  readonly unit: string;
  /** For telling string literals of several lines from code; null leaves that out. */
  readonly lexis: Lexis | null;
}

/** A line after which the next one stands one level deeper. */
const OPENS = /[{([:>]$|\b(do|then|else|begin)$|^\s*(def|class|module|function|local function|sub)\b[^;]*$/;
/** A line that is not done, so that the next may stand deeper. */
const IS_OPEN = /[,=&|+?]$/;
const GOES_ON = /^\s*[.?:&|+]/;
/** Literals whose lines are told from code without doubt; what stands in others may be prose with an apostrophe. */
const PLAIN_LITERAL = /^`$|^.{3,}$/;
const DOCSTRING = /^\s*[rRuUbB]{0,2}("""|''')/;
/** The widest level models write; a second line that is deeper was copied from inside a block. */
const WIDEST_UNIT = 4;
const LEAST_UNIT = 2;
/** Columns of a tab, where it must be compared with spaces. */
const TAB = 4;

/** The white space that every line has and that does not count, and one level beyond it; null while unknown. */
interface Reading {
  readonly base: string;
  readonly unit: string | null;
}

/**
 * Moves lines so that the first stands at `indent`, and exchanges the model's levels for the file's. Some models write
 * all lines but the first as deep as the file has them. What is no whole level (alignment, the ` *` of a comment) stays.
 */
export function createIndenter(file: Indentation): (line: string) => string {
  const isLiteral = literalFollower(file.lexis);
  let reading: Reading | null = null;
  let other: Reading | null = null;
  let before: string | null = null;
  let count = 0;
  let isFlush = false;

  function read(line: string, last: string): Reading {
    if (count === 1 && !reading) ({ reading, other } = readSecond(file, last, line));
    let now = reading ?? { base: "", unit: null };
    if (other && tells(line, last, now) !== null) {
      now = tells(line, last, now) ? now : other;
      other = null;
    }
    // A line as far out as the first one: nothing was copied from inside the file after all.
    if (indentOf(line) === "" && now.base !== "" && isFlush) now = { ...now, base: "" };
    return { ...now, unit: now.unit ?? (indentOf(line) === "" ? null : stepFrom(last, line)) };
  }

  return (line) => {
    if (isLiteral(line)) return line;
    const last = before;
    before = line;
    if (last === null) {
      isFlush = indentOf(line) === "";
      return file.indent + line.trimStart();
    }
    count++;
    reading = read(line, last);
    return file.indent + exchanged(relative(line, reading.base), reading.unit, file.unit) + line.trimStart();
  };
}

/** One level as most of the text's blocks have it; "" when it has none. */
export function usualUnit(text: string): string {
  const counts = new Map<string, number>();
  let last = "";
  for (const line of text.split(/\r?\n/, 5_000)) {
    if (line.trim() === "") continue;
    const step = stepFrom(last, line);
    if (step) counts.set(step, (counts.get(step) ?? 0) + 1);
    last = line;
  }
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

/** What the second line says of how the model indents; `other` when it can be read in two ways that agree on this line. */
function readSecond(file: Indentation, first: string, line: string): { reading: Reading; other: Reading | null } {
  const own: Reading = { base: indentOf(first), unit: null };
  const only = (reading: Reading) => ({ reading, other: null });
  const lead = indentOf(line);
  if (file.indent === "" || own.base !== "" || lead === "" || GOES_ON.test(line)) return only(own);
  if (first.startsWith("/*")) return only({ base: lead.length > LEAST_UNIT - 1 ? lead.slice(0, -1) : "", unit: null });
  const levels = levelsOf(file);
  if (!opens(first)) {
    if (IS_OPEN.test(first.trimEnd())) return only(own);
    const isAsDeep = line.startsWith(file.indent) || columns(lead) >= levels * LEAST_UNIT;
    return only(isAsDeep ? { base: line.startsWith(file.indent) ? file.indent : lead, unit: null } : own);
  }
  if (lead.startsWith("\t"))
    return only(lead.length > levels ? { base: "\t".repeat(levels), unit: "\t" } : { ...own, unit: "\t" });
  const width = lead.length / (levels + 1);
  const inside = { base: " ".repeat(width * levels), unit: " ".repeat(width) };
  if (!Number.isInteger(width) || width < LEAST_UNIT)
    return only(lead.length > WIDEST_UNIT && line.startsWith(file.indent) ? { base: file.indent, unit: null } : own);
  return lead.length > WIDEST_UNIT ? only(inside) : { reading: { base: own.base, unit: lead }, other: inside };
}

/** Whether a later line fits the first of two readings (true) or only the other (false); null when it fits both. */
function tells(line: string, last: string, { unit }: Reading): boolean | null {
  const [width, size] = [indentOf(line).length, unit?.length ?? 1];
  if (width === 0 || (width === 2 * size && indentOf(last).length === size && opens(last))) return true;
  return width % size === 0 || GOES_ON.test(line) ? null : width % 2 === 1 ? null : false;
}

/** The level between a line that opens a block and the next; null when they do not show one. */
function stepFrom(last: string, line: string): string | null {
  const [outer, inner] = [indentOf(last), indentOf(line)];
  if (!opens(last) || !inner.startsWith(outer)) return null;
  const step = inner.slice(outer.length);
  if (step.startsWith("\t")) return "\t";
  if (step.length === 2 * WIDEST_UNIT) return " ".repeat(WIDEST_UNIT);
  return step.length >= LEAST_UNIT && step.length <= WIDEST_UNIT ? step : null;
}

function opens(line: string): boolean {
  return OPENS.test(line.replace(/\s(\/\/|#).*$/, "").trimEnd());
}

function levelsOf({ indent, unit }: Indentation): number {
  if (indent.startsWith("\t")) return indent.length;
  return Math.max(1, Math.round(indent.length / (unit.startsWith(" ") ? unit.length : indent.length)));
}

/** The line's indentation beyond `base`; where one has tabs and the other spaces, by columns. */
function relative(line: string, base: string): string {
  const lead = indentOf(line);
  if (lead.startsWith(base)) return lead.slice(base.length);
  return " ".repeat(Math.max(0, columns(lead) - columns(base)));
}

function exchanged(lead: string, from: string | null, to: string): string {
  if (from === null || to === "" || from === to) return lead;
  let rest = lead;
  let out = "";
  for (;;) {
    const level = rest.startsWith("\t") ? "\t" : from;
    if (!rest.startsWith(level)) return out + rest;
    rest = rest.slice(level.length);
    out += to;
  }
}

function columns(lead: string): number {
  return lead.replaceAll("\t", " ".repeat(TAB)).length;
}

/** Tells of each line in turn whether it began inside a string literal; docstrings count as code. */
function literalFollower(lexis: Lexis | null): (line: string) => boolean {
  if (!lexis) return () => false;
  const scanner = scanBrackets(lexis);
  let isDocstring = false;
  return (line) => {
    const open = scanner.string;
    if (open === null) isDocstring = DOCSTRING.test(line);
    scanner.line(line);
    return open !== null && !isDocstring && PLAIN_LITERAL.test(open);
  };
}
