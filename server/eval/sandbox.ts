import { type ChildProcess, spawn } from "node:child_process";
import { TandemError } from "../errors.ts";
import { withDescendants } from "../platform/descendants.ts";
import { findProgram } from "../platform/findProgram.ts";

/** One program run over code that nobody has read. */
export interface Confined {
  readonly program: string;
  readonly args: readonly string[];
  /** A folder of its own; its home and its temporary folder too. */
  readonly folder: string;
  readonly timeoutMs: number;
  /** Address space, where the system can limit it. Null: not limited, as what a compiler or a JavaScript engine reserves says little. */
  readonly memoryBytes: number | null;
}

export interface Ran {
  /** Null: it was ended. */
  readonly exitCode: number | null;
  readonly isTimedOut: boolean;
  /** What it wrote on both its outputs; at most `MOST_OUTPUT` characters, the first and the last. */
  readonly output: string;
}

export interface Sandbox {
  /** What it is kept from here, and what it is not: sentences for who is asked whether that is enough. */
  readonly says: readonly string[];
  /** Throws TandemError cancelled when the signal fires; whatever was started has ended then. */
  run(given: Confined, signal: AbortSignal): Promise<Ran>;
}

export const MOST_OUTPUT = 16_000;
/** A file larger than this is nothing that a task's tests write. */
const MOST_FILE_BYTES = 64 * 1024 ** 2;
const PROBE_MS = 5_000;
/** A name space of users lets anybody make the others; then neither network nor processes outside are there for it. */
const UNSHARED = ["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--"];

/** Finds out what this system can keep a program from. */
export async function createSandbox(signal: AbortSignal): Promise<Sandbox> {
  const unshare = process.platform === "linux" ? await findProgram("unshare", { env: process.env }) : null;
  const canUnshare = unshare !== null && (await works(unshare, signal));
  const shell = process.platform === "win32" ? null : "/bin/sh";
  const wrapped = (given: Confined): readonly string[] => [
    ...(canUnshare && unshare ? [unshare, ...UNSHARED] : []),
    ...(shell ? [shell, "-c", `${limits(given)} exec "$@"`, "sh"] : []),
    given.program,
    ...given.args,
  ];
  return {
    says: sentences(canUnshare),
    async run(given, runSignal) {
      const [program = "", ...args] = wrapped(given);
      return confined({ ...given, program, args }, runSignal);
    },
  };
}

async function works(unshare: string, signal: AbortSignal): Promise<boolean> {
  const probe = { program: unshare, args: [...UNSHARED, "/bin/sh", "-c", "exit 0"], folder: "/" };
  const ran = await confined({ ...probe, timeoutMs: PROBE_MS, memoryBytes: null }, signal);
  return ran.exitCode === 0;
}

/** For the shell: no core file, so many seconds of processor time, so large a file, so much memory. A limit the system lacks is passed over. */
function limits({ timeoutMs, memoryBytes }: Confined): string {
  const memory = memoryBytes === null ? [] : [`ulimit -v ${Math.ceil(memoryBytes / 1024)}`];
  const all = [
    "ulimit -c 0",
    `ulimit -t ${Math.ceil(timeoutMs / 1_000)}`,
    // In blocks of 512 bytes, as POSIX has it.
    `ulimit -f ${MOST_FILE_BYTES / 512}`,
    ...memory,
  ];
  return `${all.join(" 2>/dev/null; ")} 2>/dev/null;`;
}

function sentences(canUnshare: boolean): string[] {
  const isWindows = process.platform === "win32";
  return [
    "in a temporary folder of its own that is deleted afterwards, without this session's variables (keys among them)",
    `ended with everything it started${isWindows ? ", as far as Windows tells" : ""} after its time, with its output cut`,
    canUnshare
      ? "without network and without sight of other processes"
      : "WITH network: this system offers nothing to take it away without being root",
    process.platform === "linux" ? "with a limit on memory" : "WITHOUT a limit on memory, which this system has not",
    "NOT kept from reading your files, nor from writing where you may",
  ];
}

async function confined(given: Confined, signal: AbortSignal): Promise<Ran> {
  if (signal.aborted) throw stopped();
  const child = spawn(given.program, given.args, {
    cwd: given.folder,
    env: environment(given.folder),
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that all of it can be ended.
    detached: process.platform !== "win32",
    windowsHide: true,
  });
  const output = bounded(child);
  let why: "time" | "user" | null = null;
  const end = (reason: "time" | "user") => {
    why ??= reason;
    void endAll(child);
  };
  const timer = setTimeout(() => end("time"), given.timeoutMs);
  const onAbort = () => end("user");
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      // Not "close": a child of its own that left the group may hold the pipe for ever.
      child.once("exit", (code) => resolve(code));
    });
    await endAll(child);
    await output.settled;
    if (signal.aborted) throw stopped();
    return { exitCode, isTimedOut: why === "time", output: output.text() };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Kills the group, or on Windows what it is known to have started. */
async function endAll(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  if (process.platform !== "win32") return kill(-pid);
  if (child.exitCode !== null) return;
  for (const it of await withDescendants(pid)) kill(it);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Nobody is left.
  }
}

/** Only what programs need to start, and nothing that is anybody's secret. */
function environment(folder: string): NodeJS.ProcessEnv {
  const kept = [
    "PATH",
    "SystemRoot",
    "SystemDrive",
    "PATHEXT",
    "ComSpec",
    "LIB",
    "INCLUDE",
    "DEVELOPER_DIR",
    "SDKROOT",
  ];
  const from = Object.entries(process.env).filter(([name]) =>
    kept.some((it) => it.toLowerCase() === name.toLowerCase()),
  );
  const own = { HOME: folder, USERPROFILE: folder, TMPDIR: folder, TEMP: folder, TMP: folder };
  return { ...Object.fromEntries(from), ...own, LANG: "C.UTF-8", TZ: "UTC", PYTHONDONTWRITEBYTECODE: "1" };
}

/** How long after the end of a program its last words may still be under way. */
const LAST_WORDS_MS = 500;

/** The first and the last of what it writes; all else is read and thrown away, so that it is never held up. */
function bounded(child: ChildProcess) {
  let first = "";
  let last = "";
  const half = MOST_OUTPUT / 2;
  const take = (chunk: string) => {
    const room = half - first.length;
    first += chunk.slice(0, Math.max(0, room));
    last = (last + chunk.slice(Math.max(0, room))).slice(-half);
  };
  const ended = [child.stdout, child.stderr].map((stream) => {
    stream?.setEncoding("utf8").on("data", take);
    return new Promise<void>((resolve) => (stream ? stream.once("close", () => resolve()) : resolve()));
  });
  return {
    text: () => (last.length < half ? first + last : `${first}\n[…]\n${last}`),
    get settled(): Promise<unknown> {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LAST_WORDS_MS);
      });
      return Promise.race([Promise.all(ended), late]).finally(() => {
        clearTimeout(timer);
        child.stdout?.destroy();
        child.stderr?.destroy();
      });
    },
  };
}

function stopped(): TandemError {
  return new TandemError("cancelled", "Stopped", "What was found before is kept");
}
