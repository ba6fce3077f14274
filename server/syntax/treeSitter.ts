import { readFile } from "node:fs/promises";
import { Language, Parser, type Tree } from "web-tree-sitter";
import type { Outline, Syntax } from "../ports.ts";
import { findDeclarations } from "./declarations.ts";
import { findErrors } from "./errors.ts";
import { type Grammar, grammarOf } from "./grammars.ts";

export interface SyntaxOptions {
  /** The path of a WebAssembly file of the parser: its runtime or a grammar. */
  readonly wasmPath: (file: string) => string;
  /** Time one text may take to parse. Parsing holds the process, so this bounds how long others wait. */
  readonly parseMs?: number;
}

const RUNTIME = "web-tree-sitter.wasm";
const PARSE_MS = 2_000;
const UNKNOWN: Outline = { isKnown: false, declarations: [], errors: [] };

/**
 * Outlines by tree-sitter. The runtime and each grammar are read once, when first needed.
 * A text that takes longer than `parseMs` has no declarations and one error that says so: it was not checked, and must not pass as checked.
 */
export function createSyntax({ wasmPath, parseMs = PARSE_MS }: SyntaxOptions): Syntax {
  const once = createOnce();

  async function loadGrammar(file: string): Promise<Language> {
    await once(RUNTIME, async () => Parser.init({ wasmBinary: await readFile(wasmPath(RUNTIME)) }));
    return Language.load(await readFile(wasmPath(file)));
  }

  return {
    async outline(text, languageId) {
      const grammar = grammarOf(languageId);
      if (!grammar) return UNKNOWN;
      // Nothing is correct in every language; PowerShell's grammar thinks otherwise.
      if (text.trim() === "") return { ...UNKNOWN, isKnown: true };
      const language = await once(grammar.file, () => loadGrammar(grammar.file));
      return outline({ text, grammar, language, parseMs });
    },
  };
}

interface OutlineInput {
  readonly text: string;
  readonly grammar: Grammar;
  readonly language: Language;
  readonly parseMs: number;
}

function outline(input: OutlineInput): Outline {
  const tree = parse(input);
  if (!tree) {
    const message = `not checked: parsing took longer than ${input.parseMs / 1000} s`;
    return { isKnown: true, declarations: [], errors: [{ line: 0, character: 0, message }] };
  }
  try {
    const { text, grammar } = input;
    return {
      isKnown: true,
      declarations: findDeclarations(tree, text, grammar.table),
      errors: findErrors(tree, text, grammar.table.strict),
    };
  } finally {
    tree.delete();
  }
}

/** A fresh parser each time: one that gave up keeps its state, and a parser costs microseconds. */
function parse({ text, language, parseMs }: OutlineInput): Tree | null {
  const parser = new Parser();
  try {
    parser.setLanguage(language);
    const until = performance.now() + parseMs;
    return parser.parse(text, null, { progressCallback: () => performance.now() > until });
  } finally {
    parser.delete();
  }
}

/** Runs each named job once and shares its result; a job that failed may be tried again. */
function createOnce(): <T>(name: string, job: () => Promise<T>) => Promise<T> {
  const jobs = new Map<string, Promise<unknown>>();
  return <T>(name: string, job: () => Promise<T>): Promise<T> => {
    const running = jobs.get(name) as Promise<T> | undefined;
    if (running !== undefined) return running;
    const started = job();
    jobs.set(name, started);
    started.catch(() => jobs.delete(name));
    return started;
  };
}
