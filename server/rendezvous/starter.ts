import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { TandemError } from "../errors.ts";
import { isAlive } from "../platform/processes.ts";
import { type Exit, HELD_EXIT_CODE, type Started } from "./launch.ts";
import type { Names } from "./names.ts";

/** A starter that is busy for longer is not waited for. */
const MARKER_MS = 10_000;
/** After one that found another serving: that one has still to announce itself, or to let go. */
const HELD_PAUSE_MS = 250;
const MOST_HELD_PAUSE_MS = 2_000;
/** Those that were killed or left before we reached them are replaced; more than this is no accident. */
const MOST_ENDS = 5;

/** Starts an orchestrator for a client that finds none. */
export interface Starter extends AsyncDisposable {
  /** Sees to it that one is on its way: ours, or that of another client. Throws TandemError when ours died of itself. */
  ensureStarted(): Promise<void>;
  /** Of the last one that this client started. */
  readonly pid: number | null;
}

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "started" }
  | { readonly kind: "ended"; readonly exit: Exit; readonly logPath: string }
  | { readonly kind: "pausing"; readonly untilMs: number };

export interface StarterDeps {
  readonly names: Names;
  readonly start: () => Promise<Started>;
  /** Called when the one it started has ended. */
  readonly onEnd: () => void;
}

export function createStarter({ names, start, onEnd }: StarterDeps): Starter {
  let state: State = { kind: "idle" };
  let pid: number | null = null;
  let isMarked = false;
  let ends = 0;
  let pauseMs = HELD_PAUSE_MS;

  async function startOne(): Promise<void> {
    isMarked ||= await takeMarker(names.marker);
    if (!isMarked) return;
    const started = await start();
    pid = started.pid;
    state = { kind: "started" };
    void started.exited.then((exit) => {
      state = { kind: "ended", exit, logPath: started.logPath };
      onEnd();
    });
  }

  function afterEnd({ exit, logPath }: Extract<State, { kind: "ended" }>): State {
    const { code } = exit;
    if (code === HELD_EXIT_CODE) {
      const untilMs = performance.now() + pauseMs;
      pauseMs = Math.min(pauseMs * 2, MOST_HELD_PAUSE_MS);
      return { kind: "pausing", untilMs };
    }
    ends++;
    const isOfItself = code !== null && code !== 0;
    if (isOfItself || ends === MOST_ENDS) throw diedAtStart(exit, logPath);
    return { kind: "idle" };
  }

  return {
    get pid() {
      return pid;
    },
    async ensureStarted() {
      if (state.kind === "ended") state = afterEnd(state);
      if (state.kind === "pausing" && performance.now() >= state.untilMs) state = { kind: "idle" };
      if (state.kind === "idle") await startOne();
    },
    async [Symbol.asyncDispose]() {
      if (isMarked && (await ownerOf(names.marker)) === process.pid) await rm(names.marker, { force: true });
    },
  };
}

/**
 * Whether this client is to start one. That at most one does at a time is only thrift: which of two orchestrators stays, their claim
 * decides.
 */
async function takeMarker(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    // Windows says EPERM of a file that is just being removed.
    if (!isCode(error, "EEXIST") && !(process.platform === "win32" && isCode(error, "EPERM"))) throw error;
  }
  if (await isStale(path)) await rm(path, { force: true });
  return false;
}

async function isStale(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    if (Math.abs(Date.now() - mtimeMs) > MARKER_MS) return true;
  } catch (error) {
    if (isCode(error, "ENOENT")) return false;
    throw error;
  }
  const owner = await ownerOf(path);
  return owner !== null && !isAlive(owner);
}

/** Null when it is not written yet, or has gone. */
async function ownerOf(path: string): Promise<number | null> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (isCode(error, "ENOENT")) return "";
    throw error;
  });
  return /^\d+$/.test(text) ? Number(text) : null;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function diedAtStart({ code, lastWords }: Exit, logPath: string): TandemError {
  const how = code === null ? "was killed" : `ended with exit code ${code}`;
  return new TandemError(
    "not-configured",
    `The orchestrator ${how} while it started${lastWords ? `; its last words:\n${lastWords}` : ""}`,
    `Put right what it says and try again; its log is ${logPath}`,
    { details: { exitCode: code, logPath } },
  );
}
