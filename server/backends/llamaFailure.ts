import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { promisify } from "node:util";
import type { EngineSpec } from "../engineSpec.ts";
import { abortError, TandemError } from "../errors.ts";
import { childEnvironment, pinTo } from "./pin.ts";

const run = promisify(execFile);
/** A build for GPUs looks for them before it says its version. */
const VERSION_MS = 15_000;
const MAX_WORDS_CHARS = 400;

type Spec = Extract<EngineSpec, { kind: "llama-server" }>;

/** Asks the program what it is, so that a wrong path is told as such. Throws TandemError not-configured. */
export async function checkIsLlamaServer(executable: string, signal: AbortSignal): Promise<void> {
  if (!isAbsolute(executable)) throw wrongPath(executable, "is not a whole path");
  const found = await stat(executable).catch(() => null);
  if (found === null || !found.isFile()) throw wrongPath(executable, "is no file");
  const env = childEnvironment(process.env, { isElectron: false, pin: pinTo("cpu") });
  try {
    const { stdout, stderr } = await run(executable, ["--version"], {
      env,
      timeout: VERSION_MS,
      signal,
      windowsHide: true,
    });
    if (/^version: /m.test(`${stdout}\n${stderr}`)) return;
  } catch (cause) {
    if (signal.aborted) throw abortError(signal);
    throw wrongPath(executable, `cannot be run as a llama-server: ${whyNot(cause)}`, cause);
  }
  throw wrongPath(executable, "is no llama-server");
}

/** What the program said, such as which library it misses; else why it did not even start. */
function whyNot(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const said = "stderr" in cause && typeof cause.stderr === "string" ? cause.stderr.trim() : "";
  return (said || cause.message).split("\n", 1).join("").slice(0, MAX_WORDS_CHARS);
}

function wrongPath(executable: string, what: string, cause?: unknown): TandemError {
  return new TandemError(
    "not-configured",
    `The setting tandem.llamaServer names ${executable}, which ${what}`,
    "Set it (or --llama-server) to the path of llama.cpp's llama-server, or empty it to use the embedded engine",
    { cause },
  );
}

/** Whether another program took the port before the server could. */
export function isPortTaken(words: string): boolean {
  return /couldn't bind|could not bind|address already in use/i.test(words);
}

const NO_MEMORY = /out of memory|insufficient memory|(failed|unable) to allocate|bad_alloc/i;
const NO_LOADING = /(failed|error|unable) (to load|loading) (the )?model|invalid magic|gguf_init/i;
const ANY_ERROR = /error|fail|invalid|unknown/i;

/** A server that ended before its model was loaded, in its own words. */
export function endedWhileLoading(spec: Spec, { words, how }: { words: string; how: string }): TandemError {
  if (NO_MEMORY.test(words) || how === "signal SIGKILL")
    return new TandemError(
      "no-memory",
      `${spec.model.label} does not fit in memory: ${lineWith(NO_MEMORY, words) || how}`,
      "Close other programs, or choose a smaller model",
    );
  if (NO_LOADING.test(words))
    return new TandemError(
      "model-unavailable",
      `llama-server cannot load ${spec.path}: ${lineWith(NO_LOADING, words)}`,
      "Fetch it again, or choose another model: it may be damaged, or newer than this llama-server",
    );
  const said = lineWith(ANY_ERROR, words);
  return new TandemError(
    "provider",
    `llama-server ended before it was ready (${how})${said === "" ? "" : `: ${said}`}`,
    "Is tandem.llamaServer recent enough? Empty the setting to use the embedded engine",
  );
}

/** A server that loads for longer than anybody waits. */
export function notReady(spec: Spec, waitedMs: number): TandemError {
  return new TandemError(
    "timeout",
    `llama-server did not load ${spec.model.label} in ${Math.round(waitedMs / 1_000)} s`,
    "Choose a smaller model, or a faster disk",
  );
}

/** The first line that matches, without the time and the level that llama.cpp puts in front; "" when there is none. */
function lineWith(pattern: RegExp, words: string): string {
  const line = words.split(/\r?\n/).find((it) => pattern.test(it)) ?? "";
  return line
    .replace(/^[\d.]+ [A-Z] /, "")
    .trim()
    .slice(0, MAX_WORDS_CHARS);
}
