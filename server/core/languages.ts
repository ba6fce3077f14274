/** How a documentation comment is written. `before`: above the declaration; `inside`: first in its body. */
export type DocStyle =
  | {
      readonly kind: "before";
      /** The comment's first line; null when every line starts with `line` alone. */
      readonly open: string | null;
      readonly line: string;
      readonly close: string | null;
    }
  | { readonly kind: "inside"; readonly quote: string };

/** A kind of string literal, as far as a bracket matcher must know it. */
export interface StringFacts {
  readonly open: string;
  readonly close: string;
  /** What makes the next character count for nothing; null when nothing does. */
  readonly escape: string | null;
  readonly isMultiline: boolean;
  /** Code inside the literal, such as `${…}` in a template; brackets nest there. */
  readonly hole: { readonly open: string; readonly close: string } | null;
  /** Only a literal when it closes after one character or escape: Rust's `'x'` beside its lifetime `'a`. */
  readonly isCharacter: boolean;
}

export interface LanguageFacts {
  /** VS Code's language identifier. */
  readonly id: string;
  /** As people write it. */
  readonly name: string;
  /** With the dot, lower case. The first one is for new files. */
  readonly extensions: readonly string[];
  /** Whole file names that mean this language, lower case. */
  readonly fileNames: readonly string[];
  /** Names a Markdown fence uses for it, besides the id. */
  readonly fences: readonly string[];
  readonly lineComment: string | null;
  readonly blockComment: { readonly open: string; readonly close: string } | null;
  /** Null when the language has no documentation comments. */
  readonly doc: DocStyle | null;
  /** What bounds a function's body. */
  readonly blocks: "braces" | "indentation" | "end" | "none";
  /** Longest `open` first, so that the first match wins. */
  readonly strings: readonly StringFacts[];
  /** `/…/` may be a literal; a matcher must look at what stands before it. */
  readonly hasRegexLiterals: boolean;
}

const DOUBLE = string('"');
const SINGLE = string("'");
const CHARACTER: StringFacts = { ...SINGLE, isCharacter: true };
const TEMPLATE: StringFacts = { ...string("`"), isMultiline: true, hole: { open: "${", close: "}" } };
const SLASHES = { open: "/*", close: "*/" };
const JSDOC: DocStyle = { kind: "before", open: "/**", line: " * ", close: " */" };
const TRIPLE_SLASH: DocStyle = { kind: "before", open: null, line: "/// ", close: null };
const HASH_DOC: DocStyle = { kind: "before", open: null, line: "# ", close: null };

const SCRIPT = cLike({ doc: JSDOC, strings: [DOUBLE, SINGLE, TEMPLATE], hasRegexLiterals: true });
const HASH: Facts = {
  ...blank(),
  lineComment: "#",
  blocks: "braces",
  strings: [DOUBLE, SINGLE],
};
const MARKUP: Facts = { ...blank(), blockComment: { open: "<!--", close: "-->" }, strings: [DOUBLE, SINGLE] };

/** Every language known by name, in the order in which extensions are looked up. */
export const LANGUAGES: readonly LanguageFacts[] = [
  language("typescript", "TypeScript", ".ts .mts .cts", "ts mts cts", SCRIPT),
  language("typescriptreact", "TypeScript (JSX)", ".tsx", "tsx", SCRIPT),
  language("javascript", "JavaScript", ".js .mjs .cjs", "js mjs cjs node", SCRIPT),
  language("javascriptreact", "JavaScript (JSX)", ".jsx", "jsx", SCRIPT),
  language("python", "Python", ".py .pyi .pyw", "py py3 python3", {
    ...blank(),
    lineComment: "#",
    doc: { kind: "inside", quote: '"""' },
    blocks: "indentation",
    strings: [multiline('"""'), multiline("'''"), DOUBLE, SINGLE],
  }),
  language("go", "Go", ".go", "golang", {
    ...cLike({ doc: { kind: "before", open: null, line: "// ", close: null } }),
    strings: [DOUBLE, CHARACTER, raw("`", "`")],
  }),
  language("rust", "Rust", ".rs", "rs", {
    ...cLike({ doc: TRIPLE_SLASH }),
    strings: [raw('r##"', '"##'), raw('r#"', '"#'), raw('r"', '"'), { ...DOUBLE, isMultiline: true }, CHARACTER],
  }),
  language("java", "Java", ".java", "", cLike({ doc: JSDOC, strings: [multiline('"""'), DOUBLE, CHARACTER] })),
  language("c", "C", ".c .h", "", cLike({ doc: JSDOC, strings: [DOUBLE, CHARACTER] })),
  language("cpp", "C++", ".cpp .cc .cxx .hpp .hh .hxx .ipp .cu .cuh", "c++ cc cxx hpp", {
    ...cLike({ doc: JSDOC }),
    strings: [raw('R"(', ')"'), DOUBLE, CHARACTER],
  }),
  language("csharp", "C#", ".cs .csx", "cs c#", {
    ...cLike({ doc: TRIPLE_SLASH }),
    strings: [raw('"""', '"""'), raw('$@"', '"'), raw('@"', '"'), interpolated('$"', "{"), DOUBLE, CHARACTER],
  }),
  language("ruby", "Ruby", ".rb .rake .gemspec", "rb", {
    ...HASH,
    doc: HASH_DOC,
    blocks: "end",
    strings: [
      { ...interpolated('"', "#{"), isMultiline: true },
      { ...SINGLE, isMultiline: true },
    ],
    hasRegexLiterals: true,
  }),
  language("php", "PHP", ".php .phtml", "", {
    ...cLike({ doc: JSDOC }),
    strings: [
      { ...DOUBLE, isMultiline: true },
      { ...SINGLE, isMultiline: true },
    ],
  }),
  language("shellscript", "Shell", ".sh .bash .zsh .ksh", "sh bash zsh shell", {
    ...HASH,
    doc: HASH_DOC,
    strings: [{ ...interpolated('"', "${"), isMultiline: true }, { ...raw("'", "'") }],
  }),
  language("powershell", "PowerShell", ".ps1 .psm1 .psd1", "ps1 pwsh", {
    ...HASH,
    blockComment: { open: "<#", close: "#>" },
    doc: HASH_DOC,
    strings: [{ ...DOUBLE, escape: "`", isMultiline: true }, { ...raw("'", "'") }],
  }),
  language("css", "CSS", ".css", "", { ...cLike({ strings: [DOUBLE, SINGLE] }), lineComment: null }),
  language("scss", "SCSS", ".scss", "sass", cLike({ strings: [DOUBLE, SINGLE] })),
  language("less", "Less", ".less", "", cLike({ strings: [DOUBLE, SINGLE] })),
  language(
    "kotlin",
    "Kotlin",
    ".kt .kts",
    "kt kts",
    cLike({ doc: JSDOC, strings: [raw('"""', '"""'), DOUBLE, CHARACTER] }),
  ),
  language("swift", "Swift", ".swift", "", cLike({ doc: TRIPLE_SLASH, strings: [multiline('"""'), DOUBLE] })),
  language("scala", "Scala", ".scala .sc", "", cLike({ doc: JSDOC, strings: [raw('"""', '"""'), DOUBLE, CHARACTER] })),
  language(
    "dart",
    "Dart",
    ".dart",
    "",
    cLike({ doc: TRIPLE_SLASH, strings: [multiline('"""'), multiline("'''"), DOUBLE, SINGLE] }),
  ),
  language("lua", "Lua", ".lua", "", {
    ...blank(),
    lineComment: "--",
    blockComment: { open: "--[[", close: "]]" },
    doc: { kind: "before", open: null, line: "--- ", close: null },
    blocks: "end",
    strings: [raw("[[", "]]"), DOUBLE, SINGLE],
  }),
  language("elixir", "Elixir", ".ex .exs", "ex exs", {
    ...HASH,
    blocks: "end",
    strings: [multiline('"""'), interpolated('"', "#{")],
  }),
  language("julia", "Julia", ".jl", "jl", { ...HASH, blocks: "end", strings: [multiline('"""'), DOUBLE] }),
  language("r", "R", ".r", "", HASH),
  language("perl", "Perl", ".pl .pm", "pl", { ...HASH, hasRegexLiterals: true }),
  language("haskell", "Haskell", ".hs", "hs", {
    ...blank(),
    lineComment: "--",
    blockComment: { open: "{-", close: "-}" },
    doc: { kind: "before", open: null, line: "-- | ", close: null },
    blocks: "indentation",
    strings: [DOUBLE, CHARACTER],
  }),
  language("sql", "SQL", ".sql", "postgresql mysql sqlite", {
    ...blank(),
    lineComment: "--",
    blockComment: SLASHES,
    strings: [{ ...raw("'", "'") }, { ...DOUBLE, escape: null }],
  }),
  language("html", "HTML", ".html .htm", "htm", MARKUP),
  language("xml", "XML", ".xml .xsd .svg .csproj", "svg", MARKUP),
  language("vue", "Vue", ".vue", "", MARKUP),
  language("svelte", "Svelte", ".svelte", "", MARKUP),
  language("json", "JSON", ".json .webmanifest", "", { ...blank(), strings: [DOUBLE] }),
  language("jsonc", "JSON with comments", ".jsonc .code-workspace", "json5", {
    ...cLike({ strings: [DOUBLE] }),
    blocks: "none",
  }),
  language("yaml", "YAML", ".yaml .yml", "yml", { ...HASH, blocks: "indentation" }),
  language("toml", "TOML", ".toml", "", {
    ...HASH,
    blocks: "none",
    strings: [multiline('"""'), raw("'''", "'''"), DOUBLE, SINGLE],
  }),
  language("ini", "INI", ".ini .cfg .conf .properties", "cfg conf", { ...blank(), lineComment: ";" }),
  language("markdown", "Markdown", ".md .markdown .mdx", "md", {
    ...blank(),
    blockComment: { open: "<!--", close: "-->" },
  }),
  language(
    "dockerfile",
    "Dockerfile",
    ".dockerfile",
    "docker",
    { ...HASH, blocks: "none" },
    "dockerfile containerfile",
  ),
  language("makefile", "Makefile", ".mk .mak", "make", { ...HASH, blocks: "none" }, "makefile gnumakefile"),
  language("plaintext", "text", ".txt .log", "text txt", blank()),
];

type Facts = Pick<LanguageFacts, "lineComment" | "blockComment" | "doc" | "blocks" | "strings" | "hasRegexLiterals">;

function language(
  ...[id, name, extensions, fences, facts, fileNames = ""]: [string, string, string, string, Facts, string?]
): LanguageFacts {
  return { id, name, extensions: words(extensions), fileNames: words(fileNames), fences: words(fences), ...facts };
}

function words(list: string): string[] {
  return list.split(" ").filter((it) => it !== "");
}

function blank(): Facts {
  return { lineComment: null, blockComment: null, doc: null, blocks: "none", strings: [], hasRegexLiterals: false };
}

function cLike(facts: Partial<Facts>): Facts {
  return { ...blank(), lineComment: "//", blockComment: SLASHES, blocks: "braces", ...facts };
}

function string(quote: string): StringFacts {
  return { open: quote, close: quote, escape: "\\", isMultiline: false, hole: null, isCharacter: false };
}

function multiline(quote: string): StringFacts {
  return { ...string(quote), isMultiline: true };
}

function raw(open: string, close: string): StringFacts {
  return { open, close, escape: null, isMultiline: true, hole: null, isCharacter: false };
}

function interpolated(open: string, hole: string): StringFacts {
  return { ...string('"'), open, hole: { open: hole, close: "}" } };
}
