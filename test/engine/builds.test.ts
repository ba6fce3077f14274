import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const BUILDS = new URL("../../server/engine/builds.ts", import.meta.url).href;
/** A module of the library's own, so that names are looked up as it looks them up. */
const LIBRARY = fileURLToPath(import.meta.resolve("node-llama-cpp"));

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-builds-"));
  await mkdir(join(folder, "linux-x64-cuda", "dist"), { recursive: true });
  await writeFile(join(folder, "linux-x64-cuda", "dist", "index.js"), 'export const name = "fetched";');
});
after(() => rm(folder, { recursive: true, force: true }));

/** What a process finds under a name, from where the library stands, with fetched builds or without. */
async function found(name: string, where: string | null): Promise<string> {
  const script = `
    if (${JSON.stringify(where)} !== null) (await import(${JSON.stringify(BUILDS)})).useFetchedBuilds(${JSON.stringify(where)});
    try { console.log((await import(${JSON.stringify(name)})).name ?? "its own"); }
    catch (error) { console.log(error.code); }`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: join(LIBRARY, "..") });
  return stdout.trim();
}

const cases: readonly { name: string; package: string; isUsed: boolean; want: RegExp }[] = [
  { name: "one that was fetched", package: "@node-llama-cpp/linux-x64-cuda", isUsed: true, want: /^fetched$/ },
  {
    name: "the same where none are to be used",
    package: "@node-llama-cpp/linux-x64-cuda",
    isUsed: false,
    want: /^(?!fetched)/,
  },
  {
    name: "one that was not fetched",
    package: "@node-llama-cpp/no-such-build",
    isUsed: true,
    want: /^ERR_MODULE_NOT_FOUND$/,
  },
  { name: "anything else", package: "node:path", isUsed: true, want: /^its own$/ },
];
for (const it of cases)
  test(`a build: ${it.name}`, async () => {
    assert.match(await found(it.package, it.isUsed ? folder : null), it.want);
  });
