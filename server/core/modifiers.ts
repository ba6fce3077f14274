import type { Declaration } from "../ports.ts";
import { escaped, slice } from "./text.ts";

const WORDS =
  /\b(export|default|declare|pub|async|static|get|set|public|private|protected|internal|readonly|abstract|override|final|virtual|sealed|partial|unsafe|extern|synchronized|suspend|open)\b/g;
/** Decorators, annotations and attributes, each at the start of a line; what stands in their brackets is left out of the words. */
const MARK = /^[ \t]*(@[\w.]+|#\[\s*[\w:]+|\[\s*[A-Z][\w.]*)[^\n]*/gm;
const ASYNC_VALUE = /=\s*async\b/;

/** A modifier of a declaration: how people write it, and the word a request would name it by. */
export interface Modifier {
  readonly shown: string;
  readonly word: string;
}

/** Words and marks before a declaration's name that change what it is to others. */
export function modifiersOf(text: string, { headRange, name }: Declaration): Modifier[] {
  const head = slice(text, headRange).replace(/\/\*[\s\S]*?\*\//g, "");
  const marks = [...head.matchAll(MARK)].map(([line, mark = ""]) => ({ line, mark: mark.replace(/\s/g, "") }));
  const bare = marks.reduce((rest, { line }) => rest.replace(line, afterMark(line)), head);
  const at = bare.search(new RegExp(`(?<![\\w$])${escaped(name)}(?![\\w$])`));
  const words: string[] = at === -1 ? [] : [...(bare.slice(0, at).match(WORDS) ?? [])];
  if (at !== -1 && ASYNC_VALUE.test(bare.slice(at))) words.push("async");
  return [
    ...words.map((word) => ({ shown: word, word })),
    ...marks.map(({ mark }) => ({
      shown: mark.startsWith("@") ? mark : `${mark}]`,
      word: mark.replace(/^[@#[]+/, ""),
    })),
  ];
}

/** `@Input() public name`: what follows the mark on its line. */
function afterMark(line: string): string {
  return line.replace(/^[ \t]*(@[\w.]+(\([^)]*\))?|#\[.*?\]|\[.*?\])/, "");
}
