import { execFile } from "node:child_process";
import { glob, readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { steps, testFilesOf } from "../steps.ts";
import type { Tree } from "./tree.ts";

const run = promisify(execFile);

/** Where nobody's files but a machine's own lie, and addresses in the lock, wherever the tests run. */
const ANYWHERE = [/(?<![\w.])\/(?:root)\/\w/, /"resolved":\s*"http/];
const TEXT_LIMIT = 2_000_000;

/** Tracked files that name a place on somebody's machine or a registry. */
export async function machinePaths({ root }: Tree): Promise<string[]> {
  const found: string[] = [];
  const here = await placesHere();
  for (const path of await trackedFiles(root)) {
    const bytes = await readFile(join(root, path)).catch(() => null);
    if (bytes === null || bytes.length > TEXT_LIMIT || bytes.includes(0)) continue;
    const text = bytes.toString("utf8");
    const hits = [...here.filter((it) => text.includes(it)), ...ANYWHERE.flatMap((it) => it.exec(text)?.[0] ?? [])];
    found.push(...hits.map((it) => `${path}: ${it}`));
  }
  return found;
}

/** This very machine's: the user's home, the checkout and what lies beside it, npm's registry. */
async function placesHere(): Promise<string[]> {
  const { stdout } = await run("npm", ["config", "get", "registry"], { shell: process.platform === "win32" });
  const registry = URL.parse(stdout.trim())?.host;
  const checkout = resolve(import.meta.dirname, "../..");
  const beside = (await readdir(dirname(checkout))).map((it) => join(dirname(checkout), it));
  const folders = [homedir(), checkout, ...beside].filter((it) => it.split(/[/\\]/).length > 2);
  return registry === undefined ? folders : [...folders, registry];
}

/** Git's list; in a folder without Git, all there is. */
async function trackedFiles(root: string): Promise<string[]> {
  const all = async () => ({ stdout: (await Array.fromAsync(glob("**/*.*", { cwd: root }))).join("\0") });
  const { stdout } = await run("git", ["ls-files", "-z"], { cwd: root, maxBuffer: 16e6 }).catch(all);
  return stdout.split("\0").filter((it) => it !== "");
}

/** Test files that no step runs, or that two run. */
export async function testFolders({ root }: Tree): Promise<string[]> {
  const run = new Map<string, number>();
  for (const step of steps) for (const path of await testFilesOf(step, root)) run.set(path, (run.get(path) ?? 0) + 1);
  const all = await Array.fromAsync(glob("**/*.test.ts", { cwd: join(root, "test"), exclude: ["fixtures/**"] }));
  const paths = all.map((it) => `test/${it.replaceAll("\\", "/")}`);
  return paths.filter((it) => run.get(it) !== 1).map((it) => `${it}: is run ${run.get(it) ?? 0} times`);
}
