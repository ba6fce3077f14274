import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { TandemError } from "../../server/errors.ts";
import { acquireLock } from "../../server/models/lock.ts";
import { cacheFolder } from "../../server/platform/folders.ts";
import { isExecutable, type Say } from "./debian.ts";

const BUILD_TIMEOUT_MS = 30 * 60_000;
const MAX_OUTPUT_CHARS = 4_000;
const PROGRESS_STEP_PERCENT = 10;

/** llama.cpp's whole source, as a git bundle inside an npm package that Tandem needs anyway. */
const BUNDLE = fileURLToPath(new URL("../llama/gitRelease.bundle", import.meta.resolve("node-llama-cpp")));
/** Visual Studio's generator makes several builds beside each other; the others know one, and heed `CMAKE_BUILD_TYPE`. */
const CONFIG = "Release";
const PROGRAM = process.platform === "win32" ? "llama-server.exe" : "llama-server";
/** Where CMake's generators put it. */
const BUILT = [join("bin", PROGRAM), join("bin", CONFIG, PROGRAM)];
const CMAKE_OPTIONS = [
  `-DCMAKE_BUILD_TYPE=${CONFIG}`,
  // One file that runs wherever it is moved to, and needs nothing but the C++ runtime.
  "-DBUILD_SHARED_LIBS=OFF",
  "-DGGML_OPENMP=OFF",
  // The tests compare what a model writes: a Mac's GPU, and a virtual one more so, rounds otherwise.
  "-DGGML_METAL=OFF",
  "-DLLAMA_CURL=OFF",
  "-DLLAMA_OPENSSL=OFF",
  // The web page would be downloaded.
  "-DLLAMA_BUILD_UI=OFF",
  "-DLLAMA_USE_PREBUILT_UI=OFF",
  "-DLLAMA_BUILD_TESTS=OFF",
  "-DLLAMA_BUILD_EXAMPLES=OFF",
];

/** For the card that is there: code for every one of them takes ten times as long. */
const CUDA_OPTIONS = ["-DGGML_CUDA=ON", "-DCMAKE_CUDA_ARCHITECTURES=native"];

/**
 * The path of a real llama-server: the one `TANDEM_TEST_LLAMA_SERVER` names, else one built from the source in node-llama-cpp and
 * kept in the cache by that source's hash. Building takes some minutes, once. Throws TandemError not-configured.
 */
export async function ensureLlamaServer(
  say: Say,
  signal: AbortSignal,
  kind: "processor" | "cuda" = "processor",
): Promise<string> {
  const given = process.env.TANDEM_TEST_LLAMA_SERVER;
  if (given) {
    if (await isExecutable(given)) return given;
    throw new TandemError(
      "not-configured",
      `${given} is not a program`,
      "Correct TANDEM_TEST_LLAMA_SERVER, or unset it",
    );
  }
  const hash = createHash("sha256")
    .update(await readFile(BUNDLE))
    .digest("hex")
    .slice(0, 16);
  const folder = join(cacheFolder(), "test-tools", `llama-server-${hash}${kind === "cuda" ? "-cuda" : ""}`);
  const path = join(folder, PROGRAM);
  if (await isExecutable(path)) return path;
  await mkdir(dirname(folder), { recursive: true });
  let isWaiting = false;
  const onWait = async () => {
    if (!isWaiting) say("waiting for another process that builds llama-server");
    isWaiting = true;
  };
  using _lock = await acquireLock(`${folder}.lock`, onWait, signal);
  if (await isExecutable(path)) return path;
  const options = kind === "cuda" ? [...CMAKE_OPTIONS, ...CUDA_OPTIONS] : CMAKE_OPTIONS;
  await build({ folder, options, say }, AbortSignal.any([signal, AbortSignal.timeout(BUILD_TIMEOUT_MS)]));
  return path;
}

interface Building {
  readonly folder: string;
  readonly options: readonly string[];
  readonly say: Say;
}

async function build({ folder, options, say }: Building, signal: AbortSignal): Promise<void> {
  say(`building llama-server, once, for ${folder}; this takes some minutes`);
  const tools = dirname(folder);
  const prefix = `${basename(folder)}.part-`;
  // What a build that was killed left behind; the lock says that nobody is at it.
  for (const name of await readdir(tools))
    if (name.startsWith(prefix)) await rm(join(tools, name), { recursive: true, force: true });
  const part = await mkdtemp(join(tools, prefix));
  try {
    const source = join(part, "source");
    const made = join(part, "build");
    await run("git", ["clone", "--quiet", BUNDLE, source], () => {}, signal);
    await run("cmake", ["-S", source, "-B", made, ...options], () => {}, signal);
    const jobs = String(availableParallelism());
    const target = ["--build", made, "--config", CONFIG, "--target", "llama-server", "-j", jobs];
    await run("cmake", target, createProgress(say), signal);
    const ready = join(part, "ready");
    await mkdir(ready);
    await copyFile(await builtIn(made), join(ready, PROGRAM));
    await rm(folder, { recursive: true, force: true });
    await rename(ready, folder);
    say("llama-server is built");
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

async function builtIn(folder: string): Promise<string> {
  for (const path of BUILT.map((it) => join(folder, it))) if (await isExecutable(path)) return path;
  throw new Error(`CMake left no ${PROGRAM} in ${folder}`);
}

async function run(
  program: string,
  args: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(program, args, { signal, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on("line", (line) => {
      output = `${output}${line}\n`.slice(-MAX_OUTPUT_CHARS);
      onLine(line);
    });
  const code = await once(child, "close").then(
    ([exitCode]) => exitCode,
    (error: unknown) => {
      signal.throwIfAborted();
      throw new TandemError(
        "not-configured",
        `${program} cannot be started, and llama-server is built with it`,
        "Install Git, CMake and a C++ compiler, or name a llama-server in TANDEM_TEST_LLAMA_SERVER",
        { cause: error },
      );
    },
  );
  if (code === 0) return;
  signal.throwIfAborted();
  throw new TandemError(
    "not-configured",
    `${program} ended with exit code ${code}:\n${output}`,
    "Is there a C++ compiler? If not, install one, or name a llama-server in TANDEM_TEST_LLAMA_SERVER",
  );
}

/** CMake's `[ 42%] Building …`, now and then. */
function createProgress(say: Say): (line: string) => void {
  let next = PROGRESS_STEP_PERCENT;
  return (line) => {
    const percent = Number(/^\[\s*(\d+)%\]/.exec(line)?.[1] ?? 0);
    if (percent < next) return;
    say(`llama-server: ${percent}% built`);
    next = percent + PROGRESS_STEP_PERCENT;
  };
}
