import type { Position, Range } from "../protocol/source.ts";

/** Positions of offsets in one text, found by bisection: a parser asks for thousands. Lines end at "\n", as in core/text. */
export interface Lines {
  positionAt(offset: number): Position;
  rangeOf(start: number, end: number): Range;
  /** Offset of the start of the line that holds `offset`. */
  startOfLine(offset: number): number;
  lineOf(offset: number): number;
}

export function createLines(text: string): Lines {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);

  function lineOf(offset: number): number {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
  const startOfLine = (offset: number) => starts[lineOf(offset)] ?? 0;
  function positionAt(offset: number): Position {
    const line = lineOf(offset);
    return { line, character: offset - (starts[line] ?? 0) };
  }
  return {
    positionAt,
    startOfLine,
    lineOf,
    rangeOf: (start, end) => ({ start: positionAt(start), end: positionAt(end) }),
  };
}
