// Makes VSIX files: `npm run package` for this machine, `npm run package -- all` or `-- linux-x64 win32-arm64 …` for others.
// Each is staged in a folder of its own, with the embedded engine and its prebuilt llama.cpp under dist/node_modules.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { extract } from "tar";
import { bundle } from "./esbuild.mjs";

const ROOT = import.meta.dirname;
const run = promisify(execFile);
const ENGINE = "node-llama-cpp";

/** The prebuilt llama.cpp of each of VS Code's platforms. CUDA's is large and is fetched when a user wants it. */
const PREBUILT = {
  "linux-x64": ["linux-x64", "linux-x64-vulkan"],
  "linux-arm64": ["linux-arm64"],
  "linux-armhf": ["linux-armv7l"],
  "win32-x64": ["win-x64", "win-x64-vulkan"],
  "win32-arm64": ["win-arm64"],
  "darwin-x64": ["mac-x64"],
  "darwin-arm64": ["mac-arm64-metal"],
};
/** The most a VSIX may have: with Vulkan, and without. */
const BUDGET_MB = { vulkan: 50, plain: 30 };

/** For compiling llama.cpp, or for the engine's own command line; nothing of it is loaded. */
const UNUSED = new Set(["cmake-js", "node-addon-api", "yargs", "validate-npm-package-name"]);
const UNUSED_FOLDERS =
  /^(llama\/(addon|cmake|patches|profiles|toolchains|xpack|gitRelease\.bundle|CMakeLists\.txt)|templates)(\/|$)/;
const UNUSED_FILES =
  /\.(d\.[cm]?ts|[cm]?ts|map|md|markdown|tsbuildinfo|flow)$|(^|\/)(tests?|docs|examples?|\.github|\.bin)(\/|$)/i;
/** Of no use to an installed extension. */
const DEVELOPMENT_KEYS = ["scripts", "dependencies", "devDependencies", "overrides", "files", "bin", "private"];

async function main(names) {
  const targets = targetsOf(names);
  const scratch = await mkdtemp(join(tmpdir(), "tandem-package-"));
  try {
    const bundles = join(scratch, "bundles");
    await bundle({ folder: bundles, isMinified: true });
    for (const target of targets) say(await makeVsix(target, bundles, scratch));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function targetsOf(names) {
  const wanted = names.filter((it) => it !== "--target");
  if (wanted.includes("all")) return Object.keys(PREBUILT);
  const targets =
    wanted.length > 0 ? wanted : [`${process.platform}-${process.arch}`.replace(/^linux-arm$/, "linux-armhf")];
  const unknown = targets.find((it) => !Object.hasOwn(PREBUILT, it));
  if (unknown)
    throw new Error(`There is no package for ${unknown}; there are: all, ${Object.keys(PREBUILT).join(", ")}`);
  return targets;
}

async function makeVsix(target, bundles, scratch) {
  const stage = join(scratch, target);
  // The command line is for checkouts and npm.
  await cp(bundles, join(stage, "dist"), { recursive: true, filter: (it) => !/^cli(\.js|-part-)/.test(basename(it)) });
  await stageExtension(stage);
  await stageEngine(join(stage, "dist", "node_modules"), PREBUILT[target], scratch);
  const { version } = await readJson(join(ROOT, "package.json"));
  const name = `tandem-${target}-${version}.vsix`;
  const vsce = join(ROOT, "node_modules", "@vscode", "vsce", "vsce");
  const args = [
    "package",
    "--no-dependencies",
    "--target",
    target,
    "--out",
    join(scratch, name),
    "--allow-missing-repository",
  ];
  await run(process.execPath, [vsce, ...args], { cwd: stage, maxBuffer: 64e6 }).catch(tellAll);
  const { size } = await stat(join(scratch, name));
  const budgetMb = PREBUILT[target].some((it) => it.includes("vulkan")) ? BUDGET_MB.vulkan : BUDGET_MB.plain;
  if (size > budgetMb * 1e6) throw new Error(`${name} has ${size / 1e6} MB, more than its budget of ${budgetMb} MB`);
  await mkdir(join(ROOT, "dist"), { recursive: true });
  await moveFile(join(scratch, name), join(ROOT, "dist", name));
  await rm(stage, { recursive: true, force: true });
  return `dist/${name} ${(size / 1e6).toFixed(1)} MB`;
}

async function stageExtension(stage) {
  const text = await readJson(join(ROOT, "package.json"));
  for (const key of DEVELOPMENT_KEYS) delete text[key];
  delete text.engines.node;
  await writeFile(join(stage, "package.json"), JSON.stringify(text, null, 2));
  for (const name of ["LICENSE", "README.md", "CHANGELOG.md"])
    if (existsSync(join(ROOT, name))) await cp(join(ROOT, name), join(stage, name));
  await cp(join(ROOT, "extension", "media"), join(stage, "extension", "media"), { recursive: true });
  // What the configuration file may hold, for the editor.
  await cp(join(ROOT, "schemas"), join(stage, "schemas"), { recursive: true });
}

/** The engine, what it needs at run time, and the prebuilt binaries of one platform. */
async function stageEngine(modules, prebuilt, scratch) {
  const lock = (await readJson(join(ROOT, "package-lock.json"))).packages;
  for (const path of closureOf(`node_modules/${ENGINE}`, lock))
    await cp(join(ROOT, path), join(modules, relative("node_modules", path)), {
      recursive: true,
      filter: (it) => isUsed(path, it),
    });
  for (const name of prebuilt.map((it) => `@${ENGINE}/${it}`)) {
    const own = join(ROOT, "node_modules", name);
    await cp(existsSync(own) ? own : await fetchPackage(name, lock, scratch), join(modules, name), { recursive: true });
  }
}

function isUsed(packagePath, file) {
  const inside = relative(join(ROOT, packagePath), file).split(sep).join("/");
  if (/(^|\/)node_modules(\/|$)/.test(inside) || UNUSED_FILES.test(inside)) return false;
  return !(packagePath.endsWith(`/${ENGINE}`) && UNUSED_FOLDERS.test(inside));
}

/** Paths in the lock of a package and of everything it asks for, found as Node would find it. */
function closureOf(start, lock) {
  const found = new Set();
  const visit = (path) => {
    if (found.has(path)) return;
    found.add(path);
    for (const name of Object.keys(lock[path].dependencies ?? {}))
      if (!UNUSED.has(name)) visit(locate(name, path, lock));
  };
  visit(start);
  return [...found];
}

function locate(name, from, lock) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const path = `${folder}${folder ? "/" : ""}node_modules/${name}`;
    if (lock[path]) return path;
    if (!folder) throw new Error(`${from} needs ${name}, which the lock does not have`);
  }
}

/** A package of another platform, as npm fetches it, checked against our lock. */
async function fetchPackage(name, lock, scratch) {
  const { version, integrity } = lock[`node_modules/${name}`];
  const folder = join(scratch, name.replace("/", "-"));
  if (existsSync(folder)) return folder;
  const args = ["pack", `${name}@${version}`, "--json", "--pack-destination", scratch];
  const { stdout } = await run("npm", args, {
    cwd: scratch,
    shell: process.platform === "win32",
    maxBuffer: 64e6,
  }).catch(tellAll);
  const [{ filename }] = Object.values(JSON.parse(stdout));
  const archive = join(scratch, basename(filename));
  const digest = `sha512-${createHash("sha512")
    .update(await readFile(archive))
    .digest("base64")}`;
  if (digest !== integrity) throw new Error(`${name}@${version} is not what package-lock.json says`);
  await mkdir(folder);
  await extract({ file: archive, cwd: folder, strip: 1 });
  return folder;
}

async function moveFile(from, to) {
  // A rename is atomic; between two disks it needs a copy beside the goal first.
  await cp(from, `${to}.part`);
  await rename(`${to}.part`, to);
}

async function readJson(path) {
  return JSON.parse(await readFile(path, "utf8"));
}

function tellAll(error) {
  throw new Error(`${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
