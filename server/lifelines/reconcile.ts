import { rm } from "node:fs/promises";
import { endProcess, startMark } from "../platform/processes.ts";
import type { Log } from "../ports.ts";
import { endGroup } from "./group.ts";
import { type ProcessEntry, readRegister, type Written } from "./register.ts";

/** Between asking and killing. An engine that was left behind has no work worth finishing. */
const LEAVE_MS = 1_000;

/** What became of the processes written down. */
export interface Reconciled {
  /** Numbers of those that were left behind and have been ended. */
  readonly ended: readonly number[];
  /** Files of processes that are no more, or whose number is another's now. */
  readonly removed: number;
}

/**
 * Ends what orchestrators that are dead have left behind: only a process that is still the very one written down. Where that cannot
 * be told, the process is a stranger and only the file goes. What belongs to an orchestrator that runs, this one too, is left alone.
 */
export async function reconcile(folder: string, log: Log, signal: AbortSignal): Promise<Reconciled> {
  const results = await Promise.all((await readRegister(folder)).map((it) => settle(it, log, signal)));
  const ended = results.flatMap((it) => (typeof it === "number" ? [it] : []));
  const removed = results.filter((it) => it === "removed").length;
  if (results.length > 0) log.info("processes reconciled", { ended: ended.length, removed });
  return { ended, removed };
}

async function settle({ path, entry }: Written, log: Log, signal: AbortSignal): Promise<number | "removed" | "kept"> {
  if (entry === null) {
    log.warn("process file unreadable", { path });
    await rm(path, { force: true });
    return "removed";
  }
  const { orchestrator } = entry;
  if ((await startMark(orchestrator.pid)) === orchestrator.mark) return "kept";
  const outcome = await end(entry, log, signal);
  if (outcome !== "kept") await rm(path, { force: true });
  return outcome;
}

async function end(
  { pid, mark, kind, program }: ProcessEntry,
  log: Log,
  signal: AbortSignal,
): Promise<number | "removed" | "kept"> {
  try {
    const how = await (kind === "foreign" ? endGroup : endProcess)(pid, mark, { graceMs: LEAVE_MS }, signal);
    if (how === "stranger") return "removed";
    log.warn("process left behind was ended", { pid, kind, program });
    return pid;
  } catch (error) {
    signal.throwIfAborted();
    // One that does not die must not keep the others alive.
    log.error("process left behind cannot be ended", { pid, kind, program, reason: String(error) });
    return "kept";
  }
}
