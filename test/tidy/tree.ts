import { glob, readFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { Language, type Node, Parser } from "web-tree-sitter";
import { wasmPath } from "../../server/assets.ts";

export interface Import {
  /** Path from the tree's root for a file of ours ("server/ports.ts"), else the specifier as written ("node:fs"). */
  readonly to: string;
  readonly isType: boolean;
}

/** What the rules ask about one source file, read from its syntax tree and not from its text. */
export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly hasDefaultExport: boolean;
  readonly hasReExport: boolean;
  readonly usesConsole: boolean;
  /** What in it depends on the world or on time, as written: "await", "Date.now". */
  readonly impurities: readonly string[];
}

export interface Tree {
  readonly root: string;
  readonly sources: readonly SourceFile[];
}

const SOURCES = "{server,extension,webview,test,training}/**/*.ts";
const WORLDLY = /^(Date\.now|Math\.random|performance\.now|process\.\w+|crypto\.\w+)$/;
const WORLDLY_NAMES = new Set(["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch", "require"]);

export async function readTree(root: string): Promise<Tree> {
  await Parser.init({ wasmBinary: await readFile(wasmPath("web-tree-sitter.wasm")) });
  const parser = new Parser();
  parser.setLanguage(await Language.load(await readFile(wasmPath("tree-sitter-typescript.wasm"))));
  const paths = await Array.fromAsync(glob(SOURCES, { cwd: root, exclude: (it) => it.endsWith("fixtures") }));
  const sources: SourceFile[] = [];
  for (const path of paths.map((it) => it.replaceAll("\\", "/")).sort())
    sources.push(read(parser, path, await readFile(join(root, path), "utf8")));
  parser.delete();
  return { root, sources };
}

function read(parser: Parser, path: string, text: string): SourceFile {
  const tree = parser.parse(text);
  if (!tree) throw new Error(`${path} cannot be parsed`);
  const top = tree.rootNode;
  const exports = top.descendantsOfType("export_statement");
  const file: SourceFile = {
    path,
    lines: text.split("\n").length - (text.endsWith("\n") ? 1 : 0),
    imports: [...statements(top, path), ...calls(top, path)],
    hasDefaultExport: exports.some((it) => it.children.some((child) => child?.type === "default")),
    hasReExport: exports.some((it) => it.childForFieldName("source") !== null),
    usesConsole: top.descendantsOfType("identifier").some((it) => it.text === "console"),
    impurities: impuritiesOf(top),
  };
  tree.delete();
  return file;
}

function statements(top: Node, path: string): Import[] {
  return top.descendantsOfType(["import_statement", "export_statement"]).flatMap((it) => {
    const source = it.childForFieldName("source");
    if (!source) return [];
    return [{ to: resolve(source, path), isType: it.children.some((child) => child?.type === "type") }];
  });
}

function calls(top: Node, path: string): Import[] {
  return top.descendantsOfType("call_expression").flatMap((it) => {
    const [argument] = it.childForFieldName("arguments")?.namedChildren ?? [];
    if (it.childForFieldName("function")?.type !== "import" || argument?.type !== "string") return [];
    return [{ to: resolve(argument, path), isType: false }];
  });
}

function resolve(source: Node, path: string): string {
  const specifier = source.text.slice(1, -1);
  return specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier;
}

function impuritiesOf(top: Node): string[] {
  const waits = top
    .descendantsOfType(["await_expression", "async"])
    .map((it) => (it.type === "async" ? "async" : "await"));
  const members = top.descendantsOfType("member_expression").map((it) => it.text);
  const names = top.descendantsOfType("call_expression").map((it) => it.childForFieldName("function")?.text ?? "");
  const dates = top.descendantsOfType("new_expression").filter((it) => it.text === "new Date()");
  return [
    ...waits,
    ...members.filter((it) => WORLDLY.test(it)),
    ...names.filter((it) => WORLDLY_NAMES.has(it)),
    ...dates.map((it) => it.text),
  ];
}

/** The folder or root file of server/ a path belongs to, or the top folder: "server/core", "server/main.ts", "webview". */
export function layerOf(path: string): string {
  const [top = "", second = ""] = path.split("/");
  return top === "server" ? `server/${second}` : top;
}

export function isOurs(path: string): boolean {
  return dirname(path) !== "." && /^(server|extension|webview|test|training)\//.test(path);
}
