import type { LanguageFacts, StringFacts } from "./languages.ts";

/** What a bracket counter must know of a language so that brackets in strings and comments do not count. */
export type Lexis = Pick<LanguageFacts, "lineComment" | "blockComment" | "strings" | "hasRegexLiterals">;

export interface BracketScanner {
  /**
   * Reads the next line, without its break. Returns the offset of the first bracket that closes what this scanner never
   * saw opened, or of the first of `enders` outside all brackets; -1 when there is neither.
   */
  line(text: string, enders?: string): number;
  /** Open brackets. */
  readonly depth: number;
  /** False inside a string or comment that goes on in the next line. */
  readonly isInCode: boolean;
  /** What opened the string that goes on in the next line; null outside of strings. */
  readonly string: string | null;
}

/** What encloses the next character besides brackets, innermost last. A hole is code inside a string. */
type Inside =
  | { readonly kind: "string"; readonly facts: StringFacts }
  | { readonly kind: "hole"; readonly close: string; depth: number }
  | { readonly kind: "comment"; readonly close: string };

const OPENER: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };
/** After these words a slash starts a regular expression; after any other, it divides. */
const BEFORE_REGEX =
  /\b(return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield|and|or|not|if|unless|when)$/;
const REGEX = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+\/[a-z]*/y;
const CHARACTER = /'(?:\\.[^']*|[^\\'])'/uy;

interface State {
  readonly lexis: Lexis;
  readonly brackets: string[];
  readonly inside: Inside[];
  /** The code just before, for telling a regular expression from a division. */
  last: string;
}

/** Follows (), [] and {} through a text, line by line. */
export function scanBrackets(lexis: Lexis): BracketScanner {
  const state: State = { lexis, brackets: [], inside: [], last: "" };
  const { brackets, inside } = state;
  return {
    line(text, enders = "") {
      let first = -1;
      let at = 0;
      while (at < text.length) {
        const next = inQuoted(state, text, at) ?? opening(state, text, at);
        if (next === null && isFound(state, text, { at, enders }) && first === -1) first = at;
        at = next ?? at + 1;
      }
      // A string that must end on its line has; unless its last character escapes the break.
      const outer = inside.findIndex((it) => it.kind === "string" && !it.facts.isMultiline);
      if (outer !== -1 && at === text.length) inside.length = outer;
      return first;
    },
    get depth() {
      return brackets.length;
    },
    get isInCode() {
      return inside.length === 0;
    },
    get string() {
      const outer = inside.find((it) => it.kind === "string");
      return outer?.kind === "string" ? outer.facts.open : null;
    },
  };
}

/** In a string or comment: where to read on. */
function inQuoted({ inside }: State, text: string, at: number): number | null {
  const top = inside.at(-1);
  if (!top || top.kind === "hole") return null;
  if (top.kind === "string") {
    const { escape: mark, hole } = top.facts;
    if (mark && text.startsWith(mark, at)) return at + mark.length + 1;
    if (hole && text.startsWith(hole.open, at)) {
      // C# writes a brace that is no hole twice.
      if (text.startsWith(hole.open, at + hole.open.length)) return at + 2 * hole.open.length;
      inside.push({ kind: "hole", close: hole.close, depth: 0 });
      return at + hole.open.length;
    }
  }
  const close = top.kind === "string" ? top.facts.close : top.close;
  if (!text.startsWith(close, at)) return at + 1;
  inside.pop();
  return at + close.length;
}

/** In code, where a comment, string or regular expression starts: where to read on. */
function opening(state: State, text: string, at: number): number | null {
  const { blockComment, lineComment } = state.lexis;
  if (blockComment && text.startsWith(blockComment.open, at)) {
    state.inside.push({ kind: "comment", close: blockComment.close });
    return at + blockComment.open.length;
  }
  const before = text[at - 1] ?? "";
  if (lineComment && text.startsWith(lineComment, at) && !(lineComment === "#" && /[\w${]/.test(before)))
    return text.length;
  const facts = state.lexis.strings.find(
    (it) => text.startsWith(it.open, at) && !(/^\w/.test(it.open) && /\w/.test(before)),
  );
  if (facts?.isCharacter) return endOf(CHARACTER, text, at) ?? at + 1;
  if (facts) {
    state.last = ")";
    state.inside.push({ kind: "string", facts });
    return at + facts.open.length;
  }
  if (!state.lexis.hasRegexLiterals || text[at] !== "/" || before === "<") return null;
  const isDivision = /[\w$)\]}]$/.test(state.last) && !BEFORE_REGEX.test(state.last);
  return isDivision ? null : endOf(REGEX, text, at);
}

/** In code: whether this is the character that is looked for. */
function isFound(state: State, text: string, { at, enders }: { at: number; enders: string }): boolean {
  const char = text[at] ?? "";
  if (char.trim() !== "") state.last = /\w/.test(char) && /\w/.test(text[at - 1] ?? "") ? state.last + char : char;
  const hole = state.inside.at(-1);
  if (hole?.kind !== "hole")
    return isExcess(state.brackets, char) || (state.brackets.length === 0 && enders.includes(char));
  if (char === hole.close && hole.depth === 0) state.inside.pop();
  else if (char === "{") hole.depth++;
  else if (char === "}") hole.depth--;
  return false;
}

/** Whether the bracket closes more than was opened. A brace closes over parentheses that were forgotten. */
function isExcess(brackets: string[], char: string): boolean {
  if ("([{".includes(char)) brackets.push(char);
  const opener = OPENER[char];
  if (!opener) return false;
  const at = brackets.lastIndexOf(opener);
  if (at === -1) return brackets.length === 0 || char === "}";
  brackets.length = at;
  return false;
}

function endOf(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

/** The facts that matter for counting brackets. */
export function lexisOf({ lineComment, blockComment, strings, hasRegexLiterals }: LanguageFacts): Lexis {
  return { lineComment, blockComment, strings, hasRegexLiterals };
}
