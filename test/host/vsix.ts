import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { glob, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageVersion } from "../../server/assets.ts";
import type { Say } from "../setup/debian.ts";

const PACKAGE_TIMEOUT_MS = 180_000;
/** What the package is made of. */
const SOURCES = [
  "{extension,server,webview}/**/*",
  "package.json",
  "package-lock.json",
  "*.mjs",
  "*.md",
  ".vscodeignore",
];

/** The package of this machine's platform as `npm run package` makes it; made anew only when what it is made of changed. */
export async function ensureVsix(root: string, say: Say, signal: AbortSignal): Promise<string> {
  const dist = join(root, "dist");
  const stamp = join(dist, "vsix.sha256");
  const wanted = await hashOf(root);
  const made = await findVsix(dist);
  if (made && (await readFile(stamp, "utf8").catch(() => "")) === wanted) return made;
  say("packaging the extension");
  await npmRunPackage(root, AbortSignal.any([signal, AbortSignal.timeout(PACKAGE_TIMEOUT_MS)]));
  const vsix = await findVsix(dist);
  if (!vsix) throw new Error(`npm run package left no ${platform()} package in ${dist}`);
  await writeFile(stamp, wanted);
  return vsix;
}

function platform(): string {
  return `${process.platform}-${process.arch}`;
}

async function findVsix(dist: string): Promise<string | null> {
  const names = await readdir(dist).catch(() => []);
  const name = names.find((it) => it.includes(platform()) && it.endsWith(`-${packageVersion}.vsix`));
  return name ? join(dist, name) : null;
}

async function hashOf(root: string): Promise<string> {
  const hash = createHash("sha256");
  const paths: string[] = [];
  for (const pattern of SOURCES)
    for await (const entry of glob(pattern, { cwd: root, withFileTypes: true }))
      if (entry.isFile()) paths.push(join(entry.parentPath, entry.name));
  for (const path of paths.sort()) hash.update(`${path}\0`).update(await readFile(path));
  return hash.digest("hex");
}

async function npmRunPackage(root: string, signal: AbortSignal): Promise<void> {
  const child = spawn("npm", ["run", "-s", "package"], {
    cwd: root,
    signal,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk).slice(-8_000);
    });
  const [code] = await once(child, "close", { signal });
  if (code !== 0) throw new Error(`npm run package failed:\n${output}`);
}
