import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readPrivateFile, writePrivateFile } from "../platform/privateFile.ts";
import { ensurePrivateFolder } from "../platform/privateFolder.ts";
import { isAlive, startMark } from "../platform/processes.ts";
import { ProcessIdentity, ProcessKind } from "./wire.ts";

/** More than this nobody has running; what is beyond is looked at by the next start. */
const MAX_ENTRIES = 1_000;

/** A process that an orchestrator started, as it stands in a file of its own. */
export const ProcessEntry = z.object({
  ...ProcessIdentity.shape,
  kind: ProcessKind,
  /** For people who read logs. */
  program: z.string(),
  orchestrator: ProcessIdentity,
});
export type ProcessEntry = z.output<typeof ProcessEntry>;

/** One orchestrator's list of the processes it started, on disk, so that the next one finds them. */
export interface Register {
  readonly folder: string;
  /** Whose list it is; null when its owner's start cannot be told: then nothing is written. */
  owner(): Promise<ProcessIdentity | null>;
  /**
   * Writes a process down that has just been started; the function takes it out again once it has ended. Rejects when it cannot
   * be written. A process whose start cannot be told is not written: nobody could safely end it later.
   */
  add(process: { pid: number; kind: ProcessKind; program: string }): Promise<() => Promise<void>>;
}

export function createRegister(given: Pick<Register, "folder" | "owner">): Register {
  const { folder, owner } = given;
  return {
    folder,
    owner,
    async add({ pid, kind, program }) {
      const [mark, orchestrator] = await Promise.all([startMark(pid), owner()]);
      if (mark === null || orchestrator === null) return async () => {};
      const path = entryPath(folder, orchestrator, pid);
      await ensurePrivateFolder(folder);
      await writePrivateFile(path, JSON.stringify({ pid, mark, kind, program, orchestrator } satisfies ProcessEntry));
      return () => rm(path, { force: true });
    },
  };
}

/** This process as the owner of a register. Asked only once, and only when needed: on Windows the answer takes a second. */
export function thisProcess(): () => Promise<ProcessIdentity | null> {
  let known: Promise<ProcessIdentity | null> | null = null;
  return () => {
    const { pid } = process;
    known ??= startMark(pid).then((mark) => (mark === null ? null : { pid, mark }));
    return known;
  };
}

/** Where a process is written down. */
export function entryPath(folder: string, orchestrator: ProcessIdentity, pid: number): string {
  return join(folder, `${orchestrator.pid}-${pid}.json`);
}

/** A file of the register; `entry` is null when it is not one of ours, or damaged. */
export interface Written {
  readonly path: string;
  readonly entry: ProcessEntry | null;
}

/** What stands in the folder; empty when there is none. What was begun and never finished counts as damaged once its writer is dead. */
export async function readRegister(folder: string): Promise<Written[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  const ours = names.filter((name) => name.endsWith(".json") || isAbandoned(name)).slice(0, MAX_ENTRIES);
  return Promise.all(
    ours.map(async (name) => {
      const path = join(folder, name);
      return { path, entry: name.endsWith(".json") ? await readEntry(path) : null };
    }),
  );
}

function isAbandoned(name: string): boolean {
  const writer = /^(\d+)-\d+\.json\..*\.tmp$/.exec(name)?.[1];
  return writer !== undefined && !isAlive(Number(writer));
}

async function readEntry(path: string): Promise<ProcessEntry | null> {
  try {
    return ProcessEntry.parse(JSON.parse((await readPrivateFile(path)) ?? ""));
  } catch {
    // Another user's, cut off, or of another version: nothing may be ended on its word.
    return null;
  }
}
