import type { LanguageFacts } from "./languages.ts";

/** What a bracket counter must know of a language so that brackets in strings and comments do not count. */
export interface Lexis {
  /** "//", "#" … */
  readonly lineComments: readonly string[];
  /** ["/*", "*\/"] … */
  readonly blockComments: readonly (readonly [string, string])[];
  /** Quotes of strings that end on their own line. */
  readonly quotes: readonly string[];
  /** Quotes of strings that may span lines: "`", '"""'. */
  readonly longQuotes: readonly string[];
}

export interface BracketScanner {
  /** Reads on; returns the offset in `text` of the first bracket that closes more than was opened, or -1. */
  push(text: string): number;
  /** Open brackets. */
  readonly depth: number;
  /** False inside a string or comment. */
  readonly isInCode: boolean;
}

type Mode = { readonly kind: "code" } | { readonly kind: "until"; readonly end: string; readonly endsAtLine: boolean };

const CODE: Mode = { kind: "code" };

/** Counts (), [] and {} in text that arrives in pieces. Tokens of several characters are recognised across pieces. */
export function scanBrackets(lexis: Lexis): BracketScanner {
  const openers = openersOf(lexis);
  const longest = Math.max(1, ...openers.map((it) => it.start.length));
  let mode: Mode = CODE;
  let depth = 0;
  let pending = "";

  function push(text: string): number {
    const all = pending + text;
    const base = pending.length;
    let at = 0;
    while (at < all.length) {
      // A token might go on in the next piece: wait for it, unless a line break shows that it does not.
      const rest = all.length - at;
      const need = mode.kind === "until" ? mode.end.length : longest;
      if (rest < need && !all.slice(at).includes("\n") && mightGrow(all.slice(at))) break;
      if (mode.kind === "until") {
        at = insideQuoted(all, at, mode);
      } else {
        const opener = openers.find((it) => all.startsWith(it.start, at));
        if (opener) {
          mode = opener.mode;
          at += opener.start.length;
        } else {
          const char = all[at] as string;
          if ("([{".includes(char)) depth++;
          if (")]}".includes(char) && --depth < 0) return at - base;
          at++;
        }
      }
    }
    pending = all.slice(at);
    return -1;
  }

  function insideQuoted(all: string, at: number, until: Extract<Mode, { kind: "until" }>): number {
    if (all.startsWith(until.end, at)) {
      mode = CODE;
      return at + until.end.length;
    }
    if (until.endsAtLine && all[at] === "\n") mode = CODE;
    return all[at] === "\\" ? at + 2 : at + 1;
  }

  function mightGrow(tail: string): boolean {
    if (mode.kind === "until") return mode.end.startsWith(tail);
    return openers.some((it) => it.start.length > tail.length && it.start.startsWith(tail));
  }

  return {
    push,
    get depth() {
      return depth;
    },
    get isInCode() {
      return mode.kind === "code";
    },
  };
}

function openersOf(lexis: Lexis): { start: string; mode: Mode }[] {
  const openers: { start: string; mode: Mode }[] = [
    ...lexis.lineComments.map((start) => ({ start, mode: { kind: "until", end: "\n", endsAtLine: true } as const })),
    ...lexis.blockComments.map(([start, end]) => ({ start, mode: { kind: "until", end, endsAtLine: false } as const })),
    ...lexis.longQuotes.map((start) => ({ start, mode: { kind: "until", end: start, endsAtLine: false } as const })),
    ...lexis.quotes.map((start) => ({ start, mode: { kind: "until", end: start, endsAtLine: true } as const })),
  ];
  return openers.sort((a, b) => b.start.length - a.start.length);
}

/** The facts that matter for counting brackets. Rust's `'` is left out: it starts lifetimes more often than characters. */
export function lexisOf(facts: LanguageFacts): Lexis {
  const strings = facts.strings.filter((it) => !it.isCharacter);
  return {
    lineComments: facts.lineComment ? [facts.lineComment] : [],
    blockComments: facts.blockComment ? [[facts.blockComment.open, facts.blockComment.close]] : [],
    quotes: strings.filter((it) => !it.isMultiline).map((it) => it.open),
    longQuotes: strings.filter((it) => it.isMultiline).map((it) => it.open),
  };
}
