import { LANGUAGES, type LanguageFacts } from "./languages.ts";

/** The language of a file by its name; "plaintext" when nothing is known of it. Takes paths and URIs, with either slash. */
export function languageOfPath(path: string): string {
  const bare = /^[a-z][a-z0-9+.-]+:\/\//i.test(path) ? path.replace(/[?#].*$/s, "") : path;
  const file = bare.slice(Math.max(bare.lastIndexOf("/"), bare.lastIndexOf("\\")) + 1).toLowerCase();
  const byName = LANGUAGES.find((it) => it.fileNames.includes(file));
  if (byName) return byName.id;
  const dot = file.lastIndexOf(".");
  const extension = dot <= 0 ? "" : file.slice(dot);
  return LANGUAGES.find((it) => it.extensions.includes(extension))?.id ?? "plaintext";
}

/** Facts about a language. One we do not know gets those of most: C-like strings and brackets, and no documentation comment. */
export function languageFacts(id: string): LanguageFacts {
  return LANGUAGES.find((it) => it.id === id) ?? { ...PLAIN, id, name: id === "" ? "text" : id };
}

/** The language a Markdown fence names: "ts", "Python", "c++ title=x"; null when it names none we know. */
export function languageOfFence(name: string): string | null {
  const word = /^[^\s{,:]+/.exec(name.trim())?.[0].toLowerCase() ?? "";
  return LANGUAGES.find((it) => it.id === word || it.fences.includes(word))?.id ?? null;
}

const PLAIN: Omit<LanguageFacts, "id" | "name"> = {
  extensions: [".txt"],
  fileNames: [],
  fences: [""],
  lineComment: null,
  blockComment: null,
  doc: null,
  blocks: "braces",
  strings: [{ open: '"', close: '"', escape: "\\", isMultiline: false, hole: null, isCharacter: false }],
  hasRegexLiterals: false,
};
