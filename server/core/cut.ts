import { type Lexis, scanBrackets } from "./brackets.ts";

/** A run of whole lines of the draft, in order; `fromLine` and `toLine` are one-based and inclusive. */
export interface Part {
  readonly number: number;
  readonly fromLine: number;
  readonly toLine: number;
  readonly text: string;
  /** It is all of the draft. */
  readonly isWhole: boolean;
}

/** After so many of the lines that are held. */
export interface Cut {
  readonly lines: number;
  readonly characters: number;
}

/** What is written and belongs to no part yet. */
export interface Held {
  readonly characters: number;
  /** The last place where a block or paragraph ends: after a blank line, or where the brackets are back at the depth the part began at. */
  readonly natural: Cut | null;
  /** The last line's end that is not inside a string or comment. */
  readonly anywhere: Cut | null;
  /** All that may be one part, wherever it ends. */
  readonly most: Cut | null;
}

/** Holds a draft while it is written and says where it could be cut; whoever judges it takes parts when it has time for one. */
export interface Cutter {
  push(text: string): void;
  /** Nothing more comes: a last line without a break is whole as well. */
  finish(): void;
  readonly held: Held;
  readonly isFinished: boolean;
  /** The first so many of the held lines, as a part. */
  take(lines: number): Part;
}

/** One verdict names one line: of a longer part it would say too little. */
export const MOST_LINES = 64;

interface Line {
  readonly text: string;
  /** Open brackets behind it. */
  readonly depth: number;
  readonly isInCode: boolean;
}

/** Follows the syntax of a draft line by line. */
export function createCutter(lexis: Lexis): Cutter {
  const scanner = scanBrackets(lexis);
  let rest = "";
  let held: Line[] = [];
  let startDepth = 0;
  let nextLine = 1;
  let parts = 0;
  let isFinished = false;

  function add(text: string): void {
    scanner.line(text);
    held.push({ text, depth: scanner.depth, isInCode: scanner.isInCode });
  }

  return {
    push(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) add(line);
    },
    finish() {
      isFinished = true;
      if (rest !== "") add(rest);
      rest = "";
      while (held.at(-1)?.text.trim() === "") held.pop();
    },
    get held() {
      return cutsOf(held, startDepth);
    },
    get isFinished() {
      return isFinished;
    },
    take(lines) {
      const taken = held.slice(0, lines);
      held = held.slice(lines);
      startDepth = taken.at(-1)?.depth ?? startDepth;
      const fromLine = nextLine;
      nextLine += taken.length;
      const isWhole = parts === 0 && isFinished && held.length === 0;
      const text = taken.map((it) => it.text).join("\n");
      return { number: ++parts, fromLine, toLine: nextLine - 1, text, isWhole };
    },
  };
}

function cutsOf(held: readonly Line[], startDepth: number): Held {
  let characters = 0;
  let natural: Cut | null = null;
  let anywhere: Cut | null = null;
  let most: Cut | null = null;
  for (const [at, line] of held.entries()) {
    characters += line.text.length + 1;
    if (at >= MOST_LINES) continue;
    most = { lines: at + 1, characters };
    if (!line.isInCode) continue;
    anywhere = most;
    if (line.text.trim() === "" || line.depth <= startDepth) natural = most;
  }
  return { characters, natural, anywhere, most };
}
