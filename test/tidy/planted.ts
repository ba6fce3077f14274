import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "..", "..");

/** Path to text. */
export type Files = Readonly<Record<string, string>>;

/** A small tree in which every rule is kept. */
const CLEAN: Files = {
  "server/protocol/shape.ts":
    'import { z } from "zod";\n\nexport const Shape = z.object({ size: z.number() });\nexport type Shape = z.output<typeof Shape>;\n',
  "server/ports.ts":
    'import type { Shape } from "./protocol/shape.ts";\n\nexport interface Store {\n  save(shape: Shape): Promise<void>;\n}\n',
  "server/core/double.ts":
    'import type { Shape } from "../protocol/shape.ts";\n\n// Does not await Date.now() or console.log().\nexport function double(shape: Shape): Shape {\n  return { size: shape.size * 2, ...{ text: "await" } };\n}\n',
  "server/tasks/save.ts":
    'import { double } from "../core/double.ts";\nimport type { Store } from "../ports.ts";\n\nexport async function save(size: number, store: Store): Promise<void> {\n  await store.save(double({ size }));\n}\n',
  "server/models/disk.ts":
    'import { readFile } from "node:fs/promises";\n\nexport function load(path: string): Promise<string> {\n  return readFile(path, "utf8");\n}\n',
  "extension/ids.ts":
    'export const commandIds = ["tandem.go"] as const;\nexport const settingKeys = ["tandem.size"] as const;\nexport const languageIds = ["go"] as const;\n',
  "webview/view.ts":
    'import type { Shape } from "../server/protocol/shape.ts";\n\nexport function view(shape: Shape): string {\n  return String(shape.size);\n}\n',
  "test/core/double.test.ts": 'import { double } from "../../server/core/double.ts";\n\ndouble({ size: 1 });\n',
  "package.json": manifestWith({}),
  "package-lock.json": lockWith({}),
  ".github/workflows/test.yml": workflowWith({}),
  "ARCHITECTURE.md": "- `zod`: values from outside are parsed\n",
};

/** package.json of the clean tree, or one that differs. */
export function manifestWith(given: {
  command?: string;
  setting?: string;
  language?: string;
  menu?: string;
  dependency?: string;
}): string {
  const {
    command = "tandem.go",
    setting = "tandem.size",
    language = "go",
    menu = "tandem.go",
    dependency = "zod",
  } = given;
  const contributes = {
    commands: [{ command }],
    menus: { commandPalette: [{ command: menu }] },
    configuration: { properties: { [setting]: {} } },
  };
  const text = {
    type: "module",
    activationEvents: [`onLanguage:${language}`],
    dependencies: { [dependency]: "1.0.0" },
    contributes,
  };
  return `${JSON.stringify(text, null, 2)}\n`;
}

/** package-lock.json of the clean tree, with more packages. */
export function lockWith(more: Readonly<Record<string, unknown>>): string {
  const packages = { "": { dependencies: { zod: "1.0.0" } }, "node_modules/zod": {}, ...more };
  return JSON.stringify({ packages });
}

/** The clean tree's workflow, or one with other parts. */
export function workflowWith(given: {
  on?: string;
  permission?: string;
  os?: string;
  uses?: string;
  run?: string;
  more?: string;
}): string {
  const { on = "pull_request", permission = "read", os = "ubuntu-latest, macos-latest, windows-latest" } = given;
  const { uses = `actions/checkout@${"0".repeat(40)} # v1.2.3`, run = "npm test", more = "" } = given;
  return `name: test
on: { ${on}: }
permissions: { contents: ${permission} }
concurrency: { group: test, cancel-in-progress: true }
jobs:
  test:
    name: test
    strategy: { fail-fast: false, matrix: { os: [${os}] } }
    runs-on: \${{ matrix.os }}
    timeout-minutes: 60
    ${more}
    steps:
      - uses: ${uses}
      - run: ${run}
`;
}

export interface Planted extends AsyncDisposable {
  readonly root: string;
}

/** The clean tree with these files over it, in a folder of its own. */
export async function plant(files: Files): Promise<Planted> {
  const root = await mkdtemp(join(tmpdir(), "tandem-tidy-"));
  for (const [path, text] of Object.entries({ ...CLEAN, ...files })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

/** The lint rules Biome, with our configuration, finds broken in this folder. */
export async function biomeFindings(root: string): Promise<string[]> {
  await writeFile(join(root, "biome.json"), await readFile(join(ROOT, "biome.json"), "utf8"));
  await copyFile(join(ROOT, "tsconfig.json"), join(root, "tsconfig.json"));
  await symlink(join(ROOT, "node_modules"), join(root, "node_modules"), "junction");
  const binary = join(ROOT, "node_modules", "@biomejs", "biome", "bin", "biome");
  const args = [binary, "lint", "--colors=off", "--max-diagnostics=none", "."];
  const { stdout, stderr } = await run(process.execPath, args, { cwd: root }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  const found = `${stdout}${stderr}`.matchAll(/ lint\/\w+\/(\w+) /g);
  return [...new Set(Array.from(found, (it) => it[1] ?? ""))].sort();
}
