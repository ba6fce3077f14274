import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
/**
 * A name space of users lets anybody make the others: then neither network nor processes outside are there for a program, and with one of
 * mounts nothing but its own folder can be written.
 */
const UNSHARED = ["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"];
/** In the shell of such a name space: all that is mounted becomes read-only but for the folder in $1, for good, and the rest is run there. */
const READ_ONLY = `
own=$1; shift
mount --bind "$own" "$own" || exit 125
while read -r _ _ _ _ at options _; do
  case $at in "$own" | /proc | /proc/* | /dev | /dev/* | /sys | /sys/*) continue ;; esac
  keep=ro
  for it in nosuid nodev noexec noatime nodiratime relatime; do case ,$options, in *,$it,*) keep=$keep,$it ;; esac; done
  mount -o "remount,bind,$keep" "$at" || exit 125
done < /proc/self/mountinfo
cd "$own" && exec unshare --user --map-root-user -- "$@"`;

type Walls = "own files" | "no network" | "none";

/** Finds out what this system can keep a program from. */
export async function createSandbox(signal: AbortSignal): Promise<Sandbox> {
  const unshare = process.platform === "linux" ? await findProgram("unshare", { env: process.env }) : null;
  const walls = unshare === null ? "none" : await wallsOf(unshare, signal);
  const shell = process.platform === "win32" ? null : "/bin/sh";
  return {
    says: sentences(walls),
    async run(given, runSignal) {
      const limited = shell ? [shell, "-c", `${limits(given)} exec "$@"`, "sh"] : [];
      const [program = "", ...args] = behind(walls, unshare, [...limited, given.program, ...given.args], given.folder);
      return confined({ ...given, program, args }, runSignal);
    },
  };
}

/** What is tried here and works: a program in there can write in its folder, and nowhere else. */
async function wallsOf(unshare: string, signal: AbortSignal): Promise<Walls> {
  const [own, other] = await Promise.all(
    [1, 2].map(async () => realpath(await mkdtemp(join(tmpdir(), "tandem-probe-")))),
  );
  if (own === undefined || other === undefined) return "none";
  try {
    const works = async (walls: Walls, script: string) => {
      const [program = "", ...args] = behind(walls, unshare, ["/bin/sh", "-c", script, "sh", other], own);
      const ran = await confined({ program, args, folder: own, timeoutMs: PROBE_MS, memoryBytes: null }, signal);
      return ran.exitCode === 0;
    };
    if (await works("own files", 'echo x > mine && ! echo x 2>/dev/null > "$1/theirs"')) return "own files";
    return (await works("no network", "exit 0")) ? "no network" : "none";
  } finally {
    await Promise.all([own, other].map((it) => rm(it, { recursive: true, force: true })));
  }
}

function behind(walls: Walls, unshare: string | null, command: readonly string[], folder: string): readonly string[] {
  if (unshare === null || walls === "none") return command;
  if (walls === "no network") return [unshare, ...UNSHARED, "--", ...command];
  return [unshare, ...UNSHARED, "--mount-proc", "--", "/bin/sh", "-c", READ_ONLY, "sh", folder, ...command];
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

function sentences(walls: Walls): string[] {
  const isWindows = process.platform === "win32";
  return [
    "in a temporary folder of its own that is deleted afterwards, without this session's variables (keys among them)",
    `ended with everything it started${isWindows ? ", as far as Windows tells" : ""} after its time, with its output cut`,
    walls === "none" ? "WITH network: this system lets nobody but root take it away" : "without network",
    process.platform === "linux" ? "with a limit on memory" : "WITHOUT a limit on memory, which this system has not",
    walls === "own files"
      ? "kept from writing outside its folder and from seeing other processes, NOT from reading your files"
      : "NOT kept from reading your files, nor from writing where you may",
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
