const SCRIPT = /^(import\b(?!\s*[.(])|(const|let|var)\s[^=]+=\s*require\()/;
const JAVA = /^(package|import)\s/;
const INCLUDE = /^#\s*include\b/;
const BEGINNINGS: Readonly<Record<string, RegExp>> = {
  typescript: SCRIPT,
  typescriptreact: SCRIPT,
  javascript: SCRIPT,
  javascriptreact: SCRIPT,
  python: /^(from\s+\S+\s+import|import)\s/,
  go: /^(package\s|import\b)/,
  rust: /^(pub\s+)?use\s/,
  java: JAVA,
  kotlin: JAVA,
  scala: JAVA,
  swift: /^import\s/,
  dart: /^(import|library|part)\s/,
  csharp: /^(global\s+)?using\s+(static\s+)?[\w.]+\s*(=[^;]*)?;/,
  php: /^(<\?php|(use|namespace)\s+[\w\\]+)/,
  ruby: /^require(_relative)?\b/,
  c: INCLUDE,
  cpp: INCLUDE,
};

/** Lines at the left margin that name a package or import something; the language's own `import` statements only. */
export function importLines(text: string, languageId: string): string[] {
  const pattern = BEGINNINGS[languageId];
  return pattern
    ? text
        .split(/\r?\n/)
        .map((it) => it.trimEnd())
        .filter((it) => pattern.test(it))
    : [];
}

/** Whether the first line of code, comments aside, is an import. */
export function beginsWithImport(text: string, languageId: string): boolean {
  const isInclude = BEGINNINGS[languageId] === INCLUDE;
  const code = text.replace(/^(\s*(\/\*[\s\S]*?\*\/|\/\/.*(\n|$)|#(?!\[|!).*(\n|$)))+/, (all) =>
    isInclude ? all : "",
  );
  return BEGINNINGS[languageId]?.test(code.trimStart()) ?? false;
}

/** Names that a text's imports bring in, in the languages where that can be read off the import alone. */
export function importedNames(text: string, languageId: string): string[] {
  if (languageId === "python")
    return importLines(text, languageId).flatMap((it) => bound(it.replace(/^.*?\bimport\s/, "").replace(/#.*/, "")));
  if (BEGINNINGS[languageId] !== SCRIPT) return [];
  const clauses = text.matchAll(/^import\s+(?:type\s+)?([^"';]+?)\s+from\s+["']/gm);
  return [...clauses].flatMap(([, clause = ""]) => bound(clause.replace(/[{}]/g, ",")));
}

/** Modules that a Python text imports. */
export function importedModules(text: string): string[] {
  return importLines(text, "python").map((it) => /^(?:from|import)\s+([\w.]+)/.exec(it)?.[1] ?? "");
}

/** Relative paths that a JavaScript or TypeScript text imports. */
export function relativeImports(text: string): string[] {
  const found = text.matchAll(/(?:\bfrom|\bimport|\brequire\(|\bimport\()\s*["'](\.{1,2}\/[^"']*)["']/g);
  return [...found].map(([, path = ""]) => path);
}

/** "./a.ts", "./a.js" and "./a" name one module. */
export function isSameModule(a: string, b: string): boolean {
  const bare = (path: string) => path.replace(/\.[cm]?[jt]sx?$/, "").replace(/^\.\/(?=\.)/, "");
  return bare(a) === bare(b);
}

export function importsByPath(languageId: string): boolean {
  return BEGINNINGS[languageId] === SCRIPT;
}

/** `a, b as c` brings in a and c. */
function bound(clause: string): string[] {
  return clause
    .split(",")
    .map((it) => /([\w$]+)\s*\)?\s*$/.exec(it)?.[1] ?? "")
    .filter((it) => it !== "");
}
