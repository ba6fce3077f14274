// Makes dist/ from the sources: `node esbuild.mjs`. With `--minified [FOLDER]` it makes what users get, and looks at the sizes.
import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
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

/** Its other form asks for its own files in a way that no bundler sees. */
const ESM_OF = { "jsonc-parser": "jsonc-parser/lib/esm/main.js" };

const NODE = { platform: "node", target: "node22", alias: ESM_OF };
const PROGRAM = { ...NODE, format: "esm", banner: { js: REQUIRE } };
/** What the editor loads; `import()` becomes a late `require`, because VS Code answers `require("vscode")` only. */
const EDITOR = { ...NODE, format: "cjs", external: ["vscode"], supported: { "dynamic-import": false } };

/** Every bundle, with the most kilobytes it may have when minified: whoever outgrows it has to look why. */
const BUNDLES = [
  { out: "extension.cjs", budgetKb: 16, entry: "extension/main.ts", ...EDITOR },
  { out: "wire.cjs", budgetKb: 800, entry: "extension/wire.ts", ...EDITOR },
  // In parts, so that a start reads only what it needs: the HTTP door, tasks and the engines' clients come with their first use.
  { out: "server.js", budgetKb: 760, entry: "server/main.ts", ...PROGRAM, splitting: true },
  {
    out: "cli.js",
    budgetKb: 580,
    entry: "server/cli.ts",
    ...PROGRAM,
    splitting: true,
    banner: { js: `#!/usr/bin/env node\n${REQUIRE}` },
  },
  { out: "engine.js", budgetKb: 260, entry: "server/engine/child.ts", ...PROGRAM, external: ["node-llama-cpp"] },
  { out: "shim.js", budgetKb: 220, entry: "server/lifelines/shim.ts", ...PROGRAM },
  { out: "webview/answer.js", budgetKb: 150, entry: "webview/answer.ts", ...page() },
  { out: "webview/answer.css", budgetKb: 16, entry: "webview/answer.css", ...page() },
  { out: "webview/sidebar.js", budgetKb: 130, entry: "webview/sidebar/sidebar.ts", ...page() },
  { out: "webview/sidebar.css", budgetKb: 44, entry: "webview/sidebar/sidebar.css", ...page(), ...font() },
];

function page() {
  return { platform: "browser", target: "es2022", format: "iife" };
}

/** The icons' font lies beside the style sheet. */
function font() {
  return { loader: { ".ttf": "file" }, assetNames: "webview/[name]" };
}

/** The bundles and the parser's files, into `folder`. Throws when a minified bundle is over its budget. */
export async function bundle({ folder, isMinified }) {
  await removeParts(folder);
  await rm(join(folder, "wasm"), { recursive: true, force: true });
  const made = BUNDLES.map(async (it) => ({ ...it, outputs: await make(it, folder, isMinified) }));
  const [bundles] = await Promise.all([Promise.all(made), copyWasm(join(folder, "wasm"))]);
  if (isMinified) for (const it of bundles) checkBudget(it);
}

/** Parts are named by their content: those of an earlier build would stay. */
async function removeParts(folder) {
  for (const name of await readdir(folder).catch(() => []))
    if (/^\w+-part-.*\.js(\.map)?$/.test(name)) await rm(join(folder, name));
}

/** What was written: paths, sizes and imports, as esbuild tells them. */
async function make({ out, entry, budgetKb: _, ...options }, folder, isMinified) {
  const { metafile } = await build({
    ...options,
    absWorkingDir: ROOT,
    entryPoints: [{ in: entry, out: out.replace(/\.\w+$/, "") }],
    outdir: folder,
    outExtension: out.endsWith(".cjs") ? { ".js": ".cjs" } : {},
    chunkNames: `${out.replace(/\.\w+$/, "")}-part-[name]-[hash]`,
    bundle: true,
    minify: isMinified,
    sourcemap: isMinified ? false : "linked",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    plugins: [laterParts, englishOnly],
  });
  return metafile.outputs;
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

/** The bundle with the parts that are loaded at once; those that come later are not counted. */
function checkBudget({ out, budgetKb, outputs }) {
  const entry = Object.keys(outputs).find((path) => path.endsWith(out));
  const counted = new Set([entry]);
  for (const path of counted)
    for (const it of outputs[path].imports)
      if (it.kind === "import-statement" && outputs[it.path]) counted.add(it.path);
  const bytes = [...counted].reduce((sum, path) => sum + outputs[path].bytes, 0);
  if (bytes <= budgetKb * 1_000) return;
  throw new Error(
    `${out} has ${Math.ceil(bytes / 1_000)} kB, more than its budget of ${budgetKb} kB: look what it takes in`,
  );
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [flag, folder = "dist/minified"] = process.argv.slice(2);
  if (flag === "--minified") await bundle({ folder: resolve(folder), isMinified: true });
  else await bundle({ folder: join(ROOT, "dist"), isMinified: false });
}
