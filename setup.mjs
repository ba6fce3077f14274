// `npm start` and `npm test` from a bare clone: installs the packages where they are missing, builds where sources changed,
// and goes on with the Node that npm brought. This file alone runs on the user's own Node, and uses nothing but that.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const JOBS = { start: ["server/cli.ts", "demo"], test: ["test/all.ts"] };
const LEAST_NODE = [20, 20];
const LEAST_NPM = [9, 0];
const NEEDED_BYTES = 1.5e9;
const RETRY_MS = 1_000;
const LOCK_POLL_MS = 500;

/** Of the packages npm brings; written last, so that an install that was interrupted has none. */
const INSTALLED = join(ROOT, "node_modules", ".tandem-lock");
const BUILT = join(ROOT, "dist", ".built");
const SOURCES = ["extension", "server", "webview", "esbuild.mjs", "package.json", "package-lock.json", "tsconfig.json"];
const NODE = join(ROOT, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
const NETWORK = /ECONN|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|ENETUNREACH|EPIPE|EINTEGRITY|network|socket|\b50[0234]\b/i;

/** What to tell the user instead of a stack. */
class Failure extends Error {}

/** The process that runs at the moment, so that signals reach it. */
let current = null;
let stoppedBy = null;

async function main([job, ...rest]) {
  if (!Object.hasOwn(JOBS, job)) throw new Failure(`usage: node setup.mjs ${Object.keys(JOBS).join("|")}`);
  checkNode();
  passSignalsOn();
  const isInstalled = () => readOr(INSTALLED, "") === installedMark();
  const isBuilt = () => readOr(BUILT, "") === hashOf(SOURCES);
  if (!isInstalled() || !isBuilt()) {
    const unlock = await lock();
    try {
      if (!isInstalled()) await install();
      if (!isBuilt()) await buildAll();
    } finally {
      unlock();
    }
  }
  return await run(NODE, [...JOBS[job], ...rest], { stdio: "inherit", env: nodeFirst() });
}

function checkNode() {
  if (isAtLeast(process.versions.node, LEAST_NODE)) return;
  throw new Failure(
    `Tandem needs Node ${LEAST_NODE.join(".")} or newer, and this is ${process.versions.node}.\nGet one from https://nodejs.org or your package manager, and run the command again.`,
  );
}

async function install() {
  await checkNpm();
  checkSpace();
  say("Installing packages (about 630 MB, once) …");
  const startedMs = Date.now();
  let attempt = await npm(["ci", "--no-progress"]);
  if (attempt.code !== 0 && stoppedBy === null && NETWORK.test(attempt.output)) {
    say("The network failed npm; trying once more …");
    await wait(RETRY_MS);
    attempt = await npm(["ci", "--no-progress"]);
  }
  if (stoppedBy !== null) throw new Failure("Stopped; the next run installs the packages again.");
  if (attempt.code !== 0)
    throw new Failure(
      `${attempt.output}\nnpm could not install the packages (above is what it said).\nCheck that its registry can be reached (npm ping), then run the command again.`,
    );
  if (!existsSync(NODE))
    throw new Failure(
      "npm left out the package that brings Node: its install script did not run.\nAllow install scripts (npm config get ignore-scripts must say false), then run the command again.",
    );
  writeFileSync(INSTALLED, installedMark());
  say(`Packages installed in ${Math.round((Date.now() - startedMs) / 1_000)} s`);
}

async function checkNpm() {
  const { code, output } = await npm(["--version"]);
  const version = /^\d+\.\d+\.\d+/m.exec(output)?.[0];
  if (code !== 0 || !version)
    throw new Failure(`npm cannot be run:\n${output}\nInstall Node with npm, and run the command again.`);
  if (!isAtLeast(version, LEAST_NPM))
    throw new Failure(
      `Tandem needs npm ${LEAST_NPM.join(".")} or newer, and this is ${version}.\nnpm install -g npm brings one.`,
    );
}

function checkSpace() {
  const { bavail, bsize } = statfsSync(ROOT);
  if (bavail * bsize >= NEEDED_BYTES) return;
  throw new Failure(
    `The packages need ${NEEDED_BYTES / 1e9} GB, and the disk has ${((bavail * bsize) / 1e9).toFixed(1)} GB left.\nMake room, then run the command again.`,
  );
}

/** npm as it was started, or the one on the path. The engine's own download and another Node's headers are kept out. */
async function npm(args) {
  const env = { ...process.env, NODE_LLAMA_CPP_SKIP_DOWNLOAD: "true" };
  for (const name of Object.keys(env)) if (name.toLowerCase() === "npm_config_nodedir") delete env[name];
  const script = process.env.npm_execpath ?? "";
  const isNpm = /npm-cli\.[cm]?js$/.test(script);
  const [command, first] = isNpm ? [process.execPath, [script]] : ["npm", []];
  let output = "";
  const keep = (chunk) => {
    output += chunk;
  };
  const options = { env, stdio: ["ignore", "pipe", "pipe"], shell: !isNpm && process.platform === "win32" };
  const code = await run(command, [...first, ...args], options, keep);
  return { code, output };
}

async function buildAll() {
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const mark = hashOf(SOURCES);
  const code = await run(NODE, ["esbuild.mjs"], { stdio: "inherit", env: nodeFirst() });
  if (stoppedBy !== null) throw new Failure("Stopped.");
  if (code !== 0) throw new Failure("The sources could not be built (above is why).");
  writeFileSync(BUILT, mark);
}

/** Runs to the end and answers with the exit code, as a shell counts it. */
async function run(command, args, options, onOutput) {
  const { promise, resolve, reject } = Promise.withResolvers?.() ?? withResolvers();
  const child = spawn(command, args, { cwd: ROOT, ...options });
  current = child;
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", onOutput);
  child.once("error", (error) => reject(new Failure(`${command} cannot be started: ${error.message}`)));
  child.once("close", (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  try {
    return await promise;
  } finally {
    current = null;
  }
}

/** Node 20 has none of its own. */
function withResolvers() {
  const out = {};
  out.promise = new Promise((resolve, reject) => Object.assign(out, { resolve, reject }));
  return out;
}

/** The child decides how it ends, and we wait for it. A terminal tells the whole group of Ctrl-C itself. */
function passSignalsOn() {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(name, () => {
      stoppedBy = name;
      if (name === "SIGINT" && process.stdin.isTTY) return;
      current?.kill(name);
    });
}

/** One set-up at a time in this folder; a lock whose owner has gone counts for nothing. */
async function lock() {
  const path = join(ROOT, ".tandem-setup");
  const mine = `${path}.${process.pid}`;
  for (let isTold = false; stoppedBy === null; isTold = true) {
    // A link appears with its content, so that nobody reads a lock without an owner.
    writeFileSync(mine, String(process.pid));
    try {
      linkSync(mine, path);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    } finally {
      rmSync(mine, { force: true });
    }
    const owner = Number(readOr(path, ""));
    if (owner > 0 && !isAlive(owner)) rmSync(path, { force: true });
    else if (!isTold) say(`Waiting for another set-up in this folder (process ${owner}) …`);
    await wait(LOCK_POLL_MS);
  }
  throw new Failure("Stopped.");
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** What is installed: these versions, for this kind of machine. */
function installedMark() {
  return `${hashOf(["package-lock.json"])} ${process.platform}-${process.arch}\n`;
}

function hashOf(paths) {
  const hash = createHash("sha256");
  const add = (path) =>
    hash
      .update(path)
      .update("\0")
      .update(readFileSync(join(ROOT, path)))
      .update("\0");
  for (const path of paths) {
    if (!existsSync(join(ROOT, path))) continue;
    if (/\.[a-z]+$/.test(path)) add(path);
    else for (const name of filesIn(path)) add(name);
  }
  return hash.digest("hex");
}

function filesIn(folder) {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  const names = entries.flatMap((it) => {
    const path = `${folder}/${it.name}`;
    return it.isDirectory() ? filesIn(path) : [path];
  });
  return names.sort();
}

function nodeFirst() {
  const name = Object.keys(process.env).find((it) => it.toUpperCase() === "PATH") ?? "PATH";
  return { ...process.env, [name]: `${join(ROOT, "node_modules", ".bin")}${delimiter}${process.env[name] ?? ""}` };
}

function isAtLeast(version, [major, minor]) {
  const [itsMajor = 0, itsMinor = 0] = version.split(".").map(Number);
  return itsMajor > major || (itsMajor === major && itsMinor >= minor);
}

function readOr(path, otherwise) {
  return existsSync(path) ? readFileSync(path, "utf8") : otherwise;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = stoppedBy === null ? 1 : 128 + constants.signals[stoppedBy];
}
