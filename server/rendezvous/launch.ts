import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { TandemError } from "../errors.ts";
import { ensurePrivateFolder } from "../platform/privateFolder.ts";

/** With this an orchestrator leaves that finds another serving; whoever started it uses that one. */
export const HELD_EXIT_CODE = 3;

const LAST_WORDS_BYTES = 2_000;
/** A log that has grown beyond this is put aside, in the place of the one before it. */
const MOST_LOG_BYTES = 4 * 1024 * 1024;

/** An orchestrator on its way; nothing is known of it but that its process runs. */
export interface Started {
  readonly pid: number;
  /** Where it writes what it says. */
  readonly logPath: string;
  /** Never rejects. `code` is null when a signal ended it. */
  readonly exited: Promise<Exit>;
}

export interface Exit {
  readonly code: number | null;
  /** The end of what it wrote to the log, and of what others wrote there since it started. */
  readonly lastWords: string;
}

export interface Launch {
  /** Node, or the editor's own Electron, which is told to be Node. */
  readonly program: string;
  readonly entry: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** It writes what it says to this file's end. The folder is made, for this user alone. */
  readonly logPath: string;
  /** Not the starter's own folder: while a process works in one, it cannot be removed on Windows. It must be there, or be the log's. */
  readonly cwd: string;
}

/** Starts an orchestrator that stays when this process goes, and holds no terminal. Throws TandemError not-configured. */
export async function launch({ program, entry, args = [], env, logPath, cwd }: Launch): Promise<Started> {
  await ensurePrivateFolder(dirname(logPath));
  const log = await openLog(logPath).catch((cause: unknown) => {
    const nextStep = `Move ${logPath} away, or see to it that you may write it`;
    throw new TandemError("not-configured", "The orchestrator's log cannot be written", nextStep, { cause });
  });
  try {
    const { size } = await log.stat();
    const child = spawn(program, [entry, ...args], {
      cwd,
      env: environmentOf(env),
      // On Windows this also keeps it out of the job that ends with the starter; `windowsHide` spares it a console.
      detached: true,
      windowsHide: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
    await once(child, "spawn");
    child.on("error", () => undefined); // of signals that cannot be sent; nobody sends any
    child.unref();
    const exited = exit.then(async (code) => ({ code, lastWords: await readFrom(logPath, size) }));
    return { pid: child.pid ?? 0, logPath, exited };
  } catch (cause) {
    const nextStep = `See whether ${program} can be run, and look at ${logPath}`;
    throw new TandemError("not-configured", "The orchestrator could not be started", nextStep, { cause });
  } finally {
    await log.close();
  }
}

/** One process serves all: what a debugger or a test runner set for its own children does not go on to it. */
function environmentOf(env: Launch["env"]): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _ours, ...rest } = env;
  return { ...rest, ELECTRON_RUN_AS_NODE: "1", ELECTRON_NO_ASAR: "1" };
}

async function openLog(path: string): Promise<FileHandle> {
  const size = await stat(path).then(
    (it) => it.size,
    () => 0,
  );
  // Several may do this at the same instant; whoever is late finds the file moved.
  if (size > MOST_LOG_BYTES) await rename(path, `${path}.1`).catch(() => undefined);
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
  return open(path, flags, 0o600);
}

/** The end of a file, but nothing before `start`. Empty when it cannot be read: what is told then is the exit code. */
async function readFrom(path: string, start: number): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    const from = Math.max(start, size - LAST_WORDS_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - from)), 0, null, from);
    return buffer.toString("utf8", 0, bytesRead).trim();
  } catch {
    return "";
  }
}
