import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { layers } from "./tidy/layers.ts";
import { lock } from "./tidy/lock.ts";
import { dependencies, manifest } from "./tidy/manifest.ts";
import { machinePaths, testFolders } from "./tidy/places.ts";
import { biomeFindings, type Files, lockWith, manifestWith, plant, workflowWith } from "./tidy/planted.ts";
import { consoles, cycles, exports, medianLines, purity, sizes } from "./tidy/rules.ts";
import { readTree, type Tree } from "./tidy/tree.ts";
import { workflow } from "./tidy/workflow.ts";

const rules = {
  layers,
  cycles,
  sizes,
  exports,
  consoles,
  purity,
  manifest,
  dependencies,
  lock,
  testFolders,
  machinePaths,
  workflow,
};
type Rule = keyof typeof rules;

const tree = await readTree(join(import.meta.dirname, ".."));
for (const [name, rule] of Object.entries(rules))
  test(`this tree: ${name}`, async () => assert.deepEqual(await rule(tree), []));

test("this tree: the median file is near 100 lines", (t) => {
  t.diagnostic(`${tree.sources.length} files, median of the product's ${medianLines(tree)} lines`);
  assert.ok(medianLines(tree) <= 120);
});

/** One violation each; exactly the rule named must find it. */
const violations: readonly { readonly name: string; readonly rule: Rule | null; readonly files: Files }[] = [
  { name: "nothing", rule: null, files: {} },
  {
    name: "the core uses a port's adapter",
    rule: "layers",
    files: { "server/core/bad.ts": 'import { load } from "../models/disk.ts";\n\nexport const bad = load;\n' },
  },
  {
    name: "the core uses a value of the protocol",
    rule: "layers",
    files: { "server/core/bad.ts": 'import { Shape } from "../protocol/shape.ts";\n\nexport const bad = Shape;\n' },
  },
  {
    name: "the core uses a library",
    rule: "layers",
    files: { "server/core/bad.ts": 'import { z } from "zod";\n\nexport const bad = z;\n' },
  },
  {
    name: "a folder of the core uses an adapter",
    rule: "layers",
    files: {
      "server/core/deep/bad.ts":
        'import type { load } from "../../models/disk.ts";\n\nexport type Bad = typeof load;\n',
    },
  },
  {
    name: "the extension uses the server's inside, late",
    rule: "layers",
    files: { "extension/bad.ts": 'export const bad = () => import("../server/core/double.ts");\n' },
  },
  {
    name: "the webview uses a value of the protocol",
    rule: "layers",
    files: { "webview/bad.ts": 'import { Shape } from "../server/protocol/shape.ts";\n\nexport const bad = Shape;\n' },
  },
  {
    name: "a folder that is in no layer",
    rule: "layers",
    files: { "server/misc/bad.ts": "export const bad = 1;\n" },
  },
  {
    name: "two files that know each other by a type only",
    rule: "cycles",
    files: {
      "server/core/a.ts": 'import type { B } from "./b.ts";\n\nexport type A = B | 1;\n',
      "server/core/b.ts": 'import type { A } from "./a.ts";\n\nexport type B = A | 2;\n',
    },
  },
  { name: "a long file", rule: "sizes", files: { "server/core/bad.ts": "export type Bad = 1;\n".repeat(301) } },
  { name: "a default export", rule: "exports", files: { "server/core/bad.ts": "export default 1;\n" } },
  { name: "a barrel", rule: "exports", files: { "server/core/index.ts": 'export * from "./double.ts";\n' } },
  { name: "console", rule: "consoles", files: { "extension/bad.ts": 'console.log("bad");\n' } },
  {
    name: "a clock in the core",
    rule: "purity",
    files: { "server/core/bad.ts": "export const bad = () => Date.now();\n" },
  },
  {
    name: "chance in the core",
    rule: "purity",
    files: { "server/core/bad.ts": "export const bad = Math.random();\n" },
  },
  { name: "waiting in the core", rule: "purity", files: { "server/core/bad.ts": "export async function bad() {}\n" } },
  {
    name: "a command that only the code has",
    rule: "manifest",
    files: { "package.json": manifestWith({ command: "tandem.stay", menu: "tandem.stay" }) },
  },
  {
    name: "a setting nobody reads",
    rule: "manifest",
    files: { "package.json": manifestWith({ setting: "tandem.other" }) },
  },
  { name: "a language nobody knows", rule: "manifest", files: { "package.json": manifestWith({ language: "cobol" }) } },
  {
    name: "a menu without its command",
    rule: "manifest",
    files: { "package.json": manifestWith({ menu: "tandem.gone" }) },
  },
  {
    name: "a package nobody explains",
    rule: "dependencies",
    files: { "package.json": manifestWith({ dependency: "left-pad" }) },
  },
  {
    name: "a package for another platform that npm left out of the lock",
    rule: "lock",
    files: {
      "package-lock.json": lockWith({ "node_modules/tool": { optionalDependencies: { "tool-win32": "1.0.0" } } }),
    },
  },
  { name: "a test that no step runs", rule: "testFolders", files: { "test/host/bad.test.ts": "export {};\n" } },
  {
    name: "somebody's home",
    rule: "machinePaths",
    files: { "server/core/bad.ts": `export const bad = "${["", "root", "models"].join("/")}";\n` },
  },
  ...[
    { name: "a workflow that runs something else", given: { run: "npm run check" } },
    { name: "a workflow on two systems", given: { os: "ubuntu-latest, macos-latest" } },
    { name: "a workflow that may write", given: { permission: "write" } },
    { name: "a workflow whose action is a tag", given: { uses: "actions/checkout@v4" } },
    { name: "a workflow whose action does not say its version", given: { uses: `a/b@${"0".repeat(40)}` } },
    { name: "a workflow for strangers' code with our rights", given: { on: "pull_request_target" } },
    { name: "a workflow whose job takes more rights", given: { more: "permissions: write-all" } },
    {
      name: "a workflow with a secret",
      given: { uses: `a/b@${"0".repeat(40)} # v1.2.3\n        with: { key: secrets.KEY }` },
    },
  ].map(({ name, given }) => ({
    name,
    rule: "workflow" as const,
    files: { ".github/workflows/test.yml": workflowWith(given) },
  })),
];

for (const { name, rule, files } of violations)
  test(`planted: ${name}`, async () => {
    await using planted = await plant(files);
    assert.deepEqual(await broken(await readTree(planted.root)), rule === null ? [] : [rule]);
  });

async function broken(planted: Tree): Promise<string[]> {
  const names: string[] = [];
  for (const [name, rule] of Object.entries(rules)) if ((await rule(planted)).length > 0) names.push(name);
  return names;
}

/** What Biome finds by itself, while one types. */
const lints: readonly { readonly name: string; readonly lint: readonly string[]; readonly files: Files }[] = [
  { name: "nothing", lint: [], files: {} },
  {
    name: "the core uses an adapter",
    lint: ["noRestrictedImports"],
    files: { "server/core/bad.ts": 'import { load } from "../models/disk.ts";\n\nexport const bad = load;\n' },
  },
  {
    name: "a folder of the core uses a library",
    lint: ["noRestrictedImports"],
    files: { "server/core/deep/bad.ts": 'import { z } from "zod";\n\nexport const bad = z;\n' },
  },
  {
    name: "the protocol uses Node",
    lint: ["noNodejsModules", "noRestrictedImports"],
    files: { "server/protocol/bad.ts": 'import { cwd } from "node:process";\n\nexport const bad = cwd;\n' },
  },
  {
    name: "a model knows tasks",
    lint: ["noRestrictedImports"],
    files: { "server/models/bad.ts": 'import { save } from "../tasks/save.ts";\n\nexport const bad = save;\n' },
  },
  {
    name: "the extension uses the server's inside",
    lint: ["noRestrictedImports"],
    files: { "extension/bad.ts": 'import { double } from "../server/core/double.ts";\n\nexport const bad = double;\n' },
  },
  {
    name: "the webview uses the extension",
    lint: ["noRestrictedImports"],
    files: {
      "webview/bad.ts": 'import { commandIds } from "../extension/ids.ts";\n\nexport const bad = commandIds;\n',
    },
  },
  {
    name: "two files that know each other by a type only",
    lint: ["noImportCycles"],
    files: {
      "server/core/a.ts": 'import type { B } from "./b.ts";\n\nexport type A = B | 1;\n',
      "server/core/b.ts": 'import type { A } from "./a.ts";\n\nexport type B = A | 2;\n',
    },
  },
  {
    name: "a promise nobody waits for",
    lint: ["noFloatingPromises"],
    files: {
      "server/models/bad.ts": 'import { load } from "./disk.ts";\n\nexport function bad(): void {\n  load("x");\n}\n',
    },
  },
  {
    name: "a promise taken for an answer",
    lint: ["noMisusedPromises"],
    files: {
      "server/models/bad.ts":
        'import { load } from "./disk.ts";\n\nexport function bad(): number {\n  return load("x") ? 1 : 2;\n}\n',
    },
  },
  {
    name: "a case nobody thought of",
    lint: ["useExhaustiveSwitchCases"],
    files: {
      "server/core/bad.ts":
        'type Kind = "a" | "b";\n\nexport function bad(kind: Kind): void {\n  switch (kind) {\n    case "a":\n      break;\n  }\n}\n',
    },
  },
  { name: "console", lint: ["noConsole"], files: { "server/models/bad.ts": 'console.log("bad");\n' } },
  { name: "a default export", lint: ["noDefaultExport"], files: { "server/core/bad.ts": "export default 1;\n" } },
  {
    name: "a barrel",
    lint: ["noBarrelFile"],
    files: { "server/core/bad.ts": 'export { double } from "./double.ts";\n' },
  },
  {
    name: "a long function",
    lint: ["noExcessiveLinesPerFunction"],
    files: { "server/core/bad.ts": `export function bad(): number[] {\n  return [\n${"    1,\n".repeat(50)}  ];\n}\n` },
  },
  {
    name: "a long file",
    lint: ["noExcessiveLinesPerFile"],
    files: { "server/core/bad.ts": `export const bad = [\n${"  1,\n".repeat(300)}];\n` },
  },
];

for (const { name, lint, files } of lints)
  test(`planted for Biome: ${name}`, async () => {
    await using planted = await plant(files);
    assert.deepEqual(await biomeFindings(planted.root), lint);
  });
