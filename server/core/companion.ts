import type { LanguageFacts } from "./languages.ts";

/** Where tests of a source file may be, best first; paths are relative to the source file's folder, with forward slashes. */
export function testFileCandidates(fileName: string, facts: LanguageFacts): readonly string[] {
  const dot = fileName.lastIndexOf(".");
  const stem = dot <= 0 ? fileName : fileName.slice(0, dot);
  const extension = dot <= 0 ? "" : fileName.slice(dot);
  switch (facts.id) {
    case "typescript":
    case "typescriptreact":
    case "javascript":
    case "javascriptreact":
      return [
        `${stem}.test${extension}`,
        `${stem}.spec${extension}`,
        `__tests__/${stem}.test${extension}`,
        `test/${stem}.test${extension}`,
        `tests/${stem}.test${extension}`,
        `../test/${stem}.test${extension}`,
        `../tests/${stem}.test${extension}`,
      ];
    case "python":
      return [`test_${stem}.py`, `tests/test_${stem}.py`, `../tests/test_${stem}.py`, `${stem}_test.py`];
    case "go":
      return [`${stem}_test.go`];
    case "ruby":
      return [`${stem}_test.rb`, `${stem}_spec.rb`, `../spec/${stem}_spec.rb`, `../test/${stem}_test.rb`];
    case "java":
    case "csharp":
    case "php":
      return [`${stem}Test${extension}`, `${stem}Tests${extension}`];
    case "c":
    case "cpp":
      return [`${stem}_test${extension}`, `../test/${stem}_test${extension}`, `../tests/${stem}_test${extension}`];
    default:
      return [];
  }
}

/** A file that is a test already: new tests go into it. */
export function isTestFile(path: string): boolean {
  const [name = "", folder = ""] = path.split("/").toReversed();
  return /[._-](test|spec|tests)\.\w+$|^test_|Tests?\.\w+$/.test(name) || /^(__tests__|tests?|spec)$/.test(folder);
}

/** The test framework, read from the project's manifest (package.json), else the language's usual one. */
export function frameworkOf(facts: LanguageFacts, manifest: string | null): string {
  if (/^(java|type)script/.test(facts.id)) {
    for (const name of ["vitest", "jest", "mocha"])
      if (manifest && new RegExp(`"${name}"\\s*:`).test(manifest)) return name;
    return "node:test";
  }
  const usual: Readonly<Record<string, string>> = {
    python: "pytest",
    go: "the testing package",
    ruby: "minitest",
    java: "JUnit 5",
    csharp: "xUnit",
    php: "PHPUnit",
    c: "assert.h",
    cpp: "GoogleTest",
  };
  return usual[facts.id] ?? "the project's test framework";
}

/** How a test at `candidate` (relative to the source's folder) imports the source file. */
export function importPathFor(fileName: string, candidate: string, facts: LanguageFacts): string {
  const stem = fileName.replace(/\.[^.]+$/, "");
  if (facts.id === "python") return stem;
  const folders = candidate.split("/").slice(0, -1);
  const up = folders.filter((it) => it !== "..").length;
  // From `../test/` the source's own folder cannot be named without knowing it; the caller gives it.
  const prefix = up === 0 ? "./" : "../".repeat(up);
  return `${prefix}${fileName}`;
}
