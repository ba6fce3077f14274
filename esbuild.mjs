// Makes dist/ from the sources: `node esbuild.mjs`. With `--minified [FOLDER]` it makes what users get, and looks at the sizes.
import { copyFile, mkdir, rm, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { LANGUAGES } from "./server/core/languages.ts";
import { grammarOf } from "./server/syntax/grammars.ts";

const ROOT = import.meta.dirname;
const GRAMMARS = "node_modules/@vscode/tree-sitter-wasm/wasm";
const RUNTIME = "node_modules/web-tree-sitter/web-tree-sitter.wasm";

/** Libraries in CommonJS ask for Node's modules by `require`, which a module has not. */
const REQUIRE =
  'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);';

const NODE = { platform: "node", target: "node22" };
const PROGRAM = { ...NODE, format: "esm", banner: { js: REQUIRE } };
/** What the editor loads; `import()` becomes a late `require`, because VS Code answers `require("vscode")` only. */
const EDITOR = { ...NODE, format: "cjs", external: ["vscode"], supported: { "dynamic-import": false } };

/** Every bundle, with the most kilobytes it may have when minified: whoever outgrows it has to look why. */
const BUNDLES = [
  { out: "extension.cjs", budgetKb: 16, entry: "extension/main.ts", ...EDITOR },
  { out: "wire.cjs", budgetKb: 800, entry: "extension/wire.ts", ...EDITOR },
  { out: "server.js", budgetKb: 1_700, entry: "server/main.ts", ...PROGRAM },
  {
    out: "cli.js",
    budgetKb: 450,
    entry: "server/cli.ts",
    ...PROGRAM,
    banner: { js: `#!/usr/bin/env node\n${REQUIRE}` },
  },
  { out: "engine.js", budgetKb: 260, entry: "server/engine/child.ts", ...PROGRAM, external: ["node-llama-cpp"] },
  { out: "shim.js", budgetKb: 220, entry: "server/lifelines/shim.ts", ...PROGRAM },
  { out: "webview/answer.js", budgetKb: 150, entry: "webview/answer.ts", ...page() },
  { out: "webview/answer.css", budgetKb: 16, entry: "webview/answer.css", ...page() },
];

function page() {
  return { platform: "browser", target: "es2022", format: "iife" };
}

/** The bundles and the parser's files, into `folder`. Throws when a minified bundle is over its budget. */
export async function bundle({ folder, isMinified }) {
  await rm(join(folder, "wasm"), { recursive: true, force: true });
  await Promise.all([...BUNDLES.map((it) => make(it, folder, isMinified)), copyWasm(join(folder, "wasm"))]);
  if (!isMinified) return;
  for (const { out, budgetKb } of BUNDLES) await checkBudget(join(folder, out), budgetKb);
}

async function make({ out, entry, budgetKb: _, ...options }, folder, isMinified) {
  await build({
    ...options,
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile: join(folder, out),
    bundle: true,
    minify: isMinified,
    sourcemap: isMinified ? false : "linked",
    legalComments: "none",
    logLevel: "warning",
    plugins: [laterParts, englishOnly],
  });
}

/** What the extension loads by `import()` is a file of its own, so that activation does not read it. */
const laterParts = {
  name: "later parts",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/wire\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "./wire.cjs", external: true } : undefined,
    );
  },
};

/** zod carries its messages in fifty languages; ours are in one. */
const englishOnly = {
  name: "English only",
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]zod[/\\]v4[/\\]locales[/\\]index\.c?js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/** The parser's runtime, and the grammars of the languages we know. */
async function copyWasm(folder) {
  const files = new Set(LANGUAGES.map(({ id }) => grammarOf(id)?.file).filter((it) => it !== undefined));
  await mkdir(folder, { recursive: true });
  await copyFile(join(ROOT, RUNTIME), join(folder, "web-tree-sitter.wasm"));
  for (const file of files) await copyFile(join(ROOT, GRAMMARS, file), join(folder, file));
}

async function checkBudget(path, budgetKb) {
  const { size } = await stat(path);
  if (size <= budgetKb * 1_000) return;
  const name = relative(dirname(dirname(path)), path);
  throw new Error(
    `${name} has ${Math.ceil(size / 1_000)} kB, more than its budget of ${budgetKb} kB: look what it takes in`,
  );
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [flag, folder = "dist/minified"] = process.argv.slice(2);
  if (flag === "--minified") await bundle({ folder: resolve(folder), isMinified: true });
  else await bundle({ folder: join(ROOT, "dist"), isMinified: false });
}
