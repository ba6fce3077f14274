/** A request as the classifier sees it: what a person said, apart from code and traces that were pasted along. */
export interface Reading {
  /** Lower case, in order; an identifier is one `IDENTIFIER`. */
  readonly words: readonly string[];
  /** The same words as they were typed, for people. */
  readonly shown: readonly string[];
  /** What the words are from, with identifiers blanked. */
  readonly plain: string;
  readonly isQuestion: boolean;
  readonly hasCode: boolean;
  readonly hasTrace: boolean;
}

/** Stands for any name of code: "add a docstring to the implement() function" asks for a docstring. */
export const IDENTIFIER = "_";

/** Read from the start of a request, and from its end: the question may stand behind what was pasted. */
const HEAD_CHARACTERS = 1_200;
const TAIL_CHARACTERS = 300;
/** Lines of prose that count; a request that needs more says the essential first. */
const MOST_LINES = 4;
/** More lines of prose than this are a pasted document: only what stands before it, and a question behind it, is the request. */
const PASTED_LINES = 8;
const MOST_WORDS = 60;

/** Names in code by how they are written; words that only look like it are put back by `isWord`. */
const NAMES =
  /`[^`\n]*`|"[^"\n]{12,}"|\b[\w.]+\([^()\n]{0,20}\)|\b[a-z]+[A-Z]\w*|\b[A-Z][a-z0-9]+[A-Z]\w*|\b\w+_\w+\b|\b[A-Za-z]\w*\.\w+[\w.]*|\b[A-Z]{1,3}\d{3,5}\b/g;
/** Written like identifiers, and yet what people call things. */
const WORDS_IN_CAPITALS =
  /^(js|java|rust|x|k|xml)docs?$|^docstrings?$|^(java|type|coffee|power)script$|^(unit|x|n|j)?(unit)?tests?(cases?)?$|^(x|n|j|php)unit$|^git(hub|lab)$|^powershell$|^(pre)?format$/i;
const PIECES = /[\p{L}\p{M}\p{N}_#+']+/gu;

const TRACE =
  /^\s*(at \S.*[:(]\d+|File ".*", line \d+|Traceback \(|Caused by:|goroutine \d+|panic:|thread '.*' panicked|\.{3} \d+ more)|^(\w+\.)*\w*(Error|Exception)\b:?|^Uncaught |\berror(\[E\d+\]| [A-Z]{2,}\d{3,}|: .*\d+:\d+)|^Exception in thread|^FAIL |^undefined reference/;
const CODE_START =
  /^\s*(def |class \w+[:({]|public |private |protected |static |const |let \w+ ?[:=]|var |import \w|from \w+ import|return\b.*[;)]|for ?\(|if ?\(|while ?\(|switch ?\(|function\b|export |func |fn |#include|#\[|@\w+(\(|$)|select\b.*\bfrom\b|interface \w+ ?\{|enum \w+ ?\{|type \w+ ?=|package \w+;|using \w+;|\/\/|\/\*|\* |<\w+[ >]|\}|\{|\)|\]|<\/)/i;
const CODE_END = /[;{}]\s*$|=>\s*$|\)\s*:\s*$|[=,([]\s*$/;

/** What of `instruction` was said and what was pasted. Takes a few thousand characters at most, however long it is. */
export function read(instruction: string): Reading {
  const { text, hasFence } = withoutFences(capped(instruction));
  const lines = text.split("\n").filter((it) => it.trim() !== "");
  const kinds = lines.map(kindOf);
  const prose = lines.filter((_, index) => kinds[index] === "prose");
  const kept = keptOf(prose, lines);
  // A bare trace or a bare piece of code is all there is to read.
  const said = (kept.length > 0 ? kept : lines.slice(0, 1)).join("\n").trim();
  const names: string[] = [];
  const plain = said.replace(NAMES, (name) => {
    if (WORDS_IN_CAPITALS.test(name)) return name;
    names.push(name);
    return ` ${IDENTIFIER} `;
  });
  const words = (plain.match(PIECES) ?? []).slice(0, MOST_WORDS);
  const shown = words.map((it) => (it === IDENTIFIER ? (names.shift() ?? it) : it));
  return {
    words: words.map((it) => it.toLowerCase()),
    shown,
    plain,
    isQuestion: /[?？]\s*$/.test(said),
    hasCode: hasFence || kinds.includes("code"),
    hasTrace: kinds.includes("trace"),
  };
}

function keptOf(prose: readonly string[], lines: readonly string[]): readonly string[] {
  if (prose.length <= MOST_LINES) return prose;
  const last = prose.slice(-1);
  if (prose.length <= PASTED_LINES) return [...prose.slice(0, MOST_LINES - 1), ...last];
  return [...lines.slice(0, 1), ...last.filter((it) => /[?？]\s*$/.test(it))];
}

function capped(text: string): string {
  if (text.length <= HEAD_CHARACTERS + TAIL_CHARACTERS) return text;
  const tail = text.slice(-TAIL_CHARACTERS);
  return `${text.slice(0, HEAD_CHARACTERS)}\n${tail.slice(tail.indexOf("\n") + 1)}`;
}

function withoutFences(text: string): { text: string; hasFence: boolean } {
  if (!text.includes("```") && !text.includes("~~~")) return { text, hasFence: false };
  const outside: string[] = [];
  let isInside = false;
  for (const line of text.split("\n")) {
    if (/^\s*(```|~~~)/.test(line)) isInside = !isInside;
    else if (!isInside) outside.push(line);
  }
  return { text: outside.join("\n"), hasFence: true };
}

function kindOf(line: string, index: number): "prose" | "code" | "trace" {
  if (TRACE.test(line)) return "trace";
  // What stands first is the request, even if it begins like code: "import the users", "export this to csv".
  if (index === 0) return "prose";
  return CODE_START.test(line) || CODE_END.test(line) || isIndentedCode(line) ? "code" : "prose";
}

function isIndentedCode(line: string): boolean {
  const signs = line.match(/[=+*/<>()[\]{}.:&|"]/g)?.length ?? 0;
  return signs / line.trim().length > (/^(\t| {2})/.test(line) ? 0.08 : 0.2);
}
