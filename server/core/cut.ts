import { type Lexis, scanBrackets } from "./brackets.ts";

/** A run of whole lines of the draft, in order; `fromLine` and `toLine` are one-based and inclusive. */
export interface Part {
  readonly number: number;
  readonly fromLine: number;
  readonly toLine: number;
  readonly text: string;
}

export interface Cutter {
  /** Parts that became whole with this text. */
  push(text: string): Part[];
  /** What is left, as the last part; null when nothing is. */
  finish(): Part | null;
}

/** A part shorter than this says too little to judge; a fixed cost is paid per part. */
const LEAST_LINES = 3;
/** A part longer than this keeps the audit waiting. */
const MOST_LINES = 24;

/**
 * Cuts a draft at syntax boundaries while it is written: after a blank line, or where the brackets are back at the depth
 * the part started at, once there are enough lines; anywhere when a part grows too long.
 */
export function createCutter(lexis: Lexis, leastLines = LEAST_LINES): Cutter {
  const scanner = scanBrackets(lexis);
  let rest = "";
  let held: string[] = [];
  let startDepth = 0;
  let nextLine = 1;
  let parts = 0;

  function close(): Part {
    const part = { number: ++parts, fromLine: nextLine, toLine: nextLine + held.length - 1, text: held.join("\n") };
    nextLine += held.length;
    held = [];
    startDepth = scanner.depth;
    return part;
  }

  function isBoundary(line: string): boolean {
    if (held.length >= MOST_LINES) return true;
    if (held.length < leastLines || !scanner.isInCode) return false;
    return line.trim() === "" || scanner.depth <= startDepth;
  }

  return {
    push(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      const whole: Part[] = [];
      for (const line of lines) {
        scanner.line(line);
        held.push(line);
        if (isBoundary(line)) whole.push(close());
      }
      return whole;
    },
    finish() {
      if (rest !== "") held.push(rest);
      rest = "";
      return held.some((line) => line.trim() !== "") ? close() : null;
    },
  };
}
