import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";

/** A clone with stand-ins for npm, the build and the programs, to run the real setup.mjs in. */
export interface Clone extends AsyncDisposable {
  readonly folder: string;
  write(path: string, text: string): Promise<void>;
  /** What happened, in order: the stand-ins write it down. */
  happened(): Promise<string[]>;
  start(job: string): Run;
}

export interface Run {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Resolves when the text was printed. */
  printed(text: string): Promise<void>;
  readonly ended: Promise<{ code: number | null; output: string }>;
}

/** Where setup.mjs looks for the Node that npm brought. */
export const NODE = `node_modules/node/bin/node${process.platform === "win32" ? ".exe" : ""}`;

/** Notes the call, then does what the file `npm.plan` says; what it installs is this very Node. */
const NPM = `
const fs = require("node:fs"), path = require("node:path");
if (process.argv[2] === "--version") { console.log("10.8.2"); process.exit(0); }
const plan = fs.readFileSync("npm.plan", "utf8").trim().split(" ");
fs.appendFileSync("happened", "npm " + process.argv[2] + (process.env.npm_config_nodedir ? " with headers" : "") + "\\n");
fs.writeFileSync("npm.plan", plan.length > 1 ? plan.slice(1).join(" ") : plan[0]);
fs.rmSync("node_modules", { recursive: true, force: true });
if (plan[0] === "network") { console.error("npm error code ECONNRESET"); process.exit(1); }
if (plan[0] === "broken") { console.error("npm error code EUSAGE: the lock does not match"); process.exit(1); }
fs.mkdirSync("node_modules/node/bin", { recursive: true });
if (plan[0] === "hang") { fs.writeSync(1, "hanging"); fs.writeFileSync("hanging", ""); setInterval(() => {}, 1e6); }
else if (plan[0] === "ok" && process.platform === "win32") fs.copyFileSync(process.execPath, "${NODE}");
else if (plan[0] === "ok") fs.symlinkSync(process.execPath, "${NODE}");
`;

const PROGRAM = (name: string) => `
import { appendFileSync } from "node:fs";
appendFileSync("happened", ["${name}", ...process.argv.slice(2)].join(" ") + "\\n");
process.exitCode = "${name}" === "cli" ? Number(process.env.STAND_IN_EXIT ?? 0) : 0;
if ("${name}" === "cli" && process.env.STAND_IN_STAYS) {
  process.once("SIGTERM", () => { appendFileSync("happened", "${name} left\\n"); process.exit(7); });
  setInterval(() => {}, 1e6);
  console.log("staying");
}
`;

export async function makeClone(plan: string): Promise<Clone> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-clone-"));
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  await copyFile(join(import.meta.dirname, "../../setup.mjs"), join(folder, "setup.mjs"));
  await write("package.json", '{ "type": "module" }');
  await write("package-lock.json", "{}");
  await write("npm.plan", plan);
  await write("bin/npm-cli.cjs", NPM);
  await write("esbuild.mjs", PROGRAM("build"));
  await write("server/cli.ts", PROGRAM("cli"));
  await write("test/all.ts", PROGRAM("tests"));
  return {
    folder,
    write,
    happened: async () =>
      (await readFile(join(folder, "happened"), "utf8").catch(() => "")).split("\n").filter(Boolean),
    start: (job) => start(folder, job),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function start(folder: string, job: string): Run {
  const env = { ...process.env, npm_execpath: join(folder, "bin", "npm-cli.cjs"), npm_config_nodedir: "/usr" };
  const child = spawn(process.execPath, ["setup.mjs", job], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  return {
    child,
    async printed(text) {
      while (!output.includes(text)) await once(child.stdout, "data");
    },
    ended: once(child, "close").then(([code]) => ({ code, output })),
  };
}
