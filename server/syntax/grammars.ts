import type { GrammarTable } from "./grammarTable.ts";
import { C_SHARP, CPP, CSS, GO, JAVA, PHP, POWERSHELL, PYTHON, RUBY, RUST, SCRIPT, SHELL } from "./grammarTables.ts";

export interface Grammar {
  /** The file in which @vscode/tree-sitter-wasm ships it. */
  readonly file: string;
  readonly table: GrammarTable;
}

/** The grammar of a language; null when there is none. C is read by the C++ grammar, which accepts nearly all of it. */
export function grammarOf(languageId: string): Grammar | null {
  return GRAMMARS.get(languageId) ?? null;
}

const GRAMMARS: ReadonlyMap<string, Grammar> = new Map([
  ["typescript", grammar("typescript", SCRIPT)],
  ["typescriptreact", grammar("tsx", SCRIPT)],
  ["javascript", grammar("javascript", SCRIPT)],
  ["javascriptreact", grammar("javascript", SCRIPT)],
  ["python", grammar("python", PYTHON)],
  ["go", grammar("go", GO)],
  ["rust", grammar("rust", RUST)],
  ["java", grammar("java", JAVA)],
  ["c", grammar("cpp", CPP)],
  ["cpp", grammar("cpp", CPP)],
  ["csharp", grammar("c-sharp", C_SHARP)],
  ["ruby", grammar("ruby", RUBY)],
  ["php", grammar("php", PHP)],
  ["shellscript", grammar("bash", SHELL)],
  ["powershell", grammar("powershell", POWERSHELL)],
  ["css", grammar("css", CSS)],
]);

function grammar(name: string, table: GrammarTable): Grammar {
  return { file: `tree-sitter-${name}.wasm`, table };
}
