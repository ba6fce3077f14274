import type { GpuProcess, GpuReading } from "../core/telemetry.ts";
import { type Looped, runLooped, type Times } from "./looped.ts";
import type { Instance } from "./nvidiaRow.ts";
import type { Command } from "./tool.ts";

/** Only what computes is listed; the memory of games and desktops is in the card's own number. */
export const PROGRAMS = "--query-compute-apps=gpu_uuid,pid,used_memory,process_name";

/** A process is gone when it has been missing from this many lists. */
const MISSED_LISTS = 2.5;
/** More than run on any card; the list of a tool that goes wild is no reason to grow. */
const MOST_PROCESSES = 4_096;

/** The processes on NVIDIA's cards, as they come. */
export interface Programs {
  readonly looped: Looped;
  /** Null: not known. */
  on(uuid: string): GpuReading["processes"];
}

export interface ProgramsDeps {
  readonly command: Command;
  readonly nowMs: () => number;
  readonly times: Times;
  /** That none is listed does not mean that there is none. */
  readonly isHidden: boolean;
  /** What cards are cut into: processes are listed by instance there. */
  readonly instances: () => readonly Instance[];
}

/**
 * Lists come without anything between them, and an empty one prints nothing: so a process is there as long as it is seen, and that
 * none is there can be said only of a list that has had the time to print.
 */
export function watchPrograms({ command, nowMs, times, isHidden, instances }: ProgramsDeps): Programs {
  const seen = new Map<string, Program & { readonly seenMs: number }>();
  let sinceMs = nowMs();
  let isBroken = false;
  const limitMs = times.periodMs * MISSED_LISTS;
  const looped = runLooped({
    command: () => command,
    talks: "at times",
    times,
    onLine(line) {
      const found = parseProgram(line);
      const key = found ? `${found.uuid} ${found.pid}` : "";
      if (found && (seen.has(key) || seen.size < MOST_PROCESSES)) seen.set(key, { ...found, seenMs: nowMs() });
      isBroken = false;
      return found !== null;
    },
    onEnd() {
      isBroken = true;
      sinceMs = nowMs();
      seen.clear();
    },
  });
  return {
    looped,
    on(uuid) {
      const atMs = nowMs();
      for (const [key, it] of seen) if (atMs - it.seenMs > limitMs) seen.delete(key);
      // One that has started again and is still there after a few lists is well.
      if (looped.isRunning && atMs - sinceMs > limitMs) isBroken = false;
      if (!looped.isRunning || isBroken || (seen.size === 0 && (isHidden || atMs - sinceMs <= limitMs))) return null;
      return onCard([...seen.values()], uuid, instances());
    },
  };
}

/** A process, and the card or instance it is listed by. */
export type Program = GpuProcess & { readonly uuid: string };

/** Those on the card or on one of its instances, the largest first. */
export function onCard(programs: readonly Program[], uuid: string, instances: readonly Instance[]): GpuProcess[] {
  const names = new Set([uuid, ...instances.filter((it) => it.card === uuid).map((it) => it.uuid)]);
  return programs
    .filter((it) => names.has(it.uuid) || it.uuid.startsWith(`MIG-${uuid}/`))
    .map(({ pid, name, bytes }) => ({ pid, name, bytes }))
    .toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
}

/** "GPU-..., 4242, 5120, /usr/bin/python3": the name comes last, since it may hold commas. What is in brackets is not told. */
export function parseProgram(line: string): Program | null {
  const [, uuid, pid, used, name] = /^((?:GPU|MIG)-[\w/-]+),\s*(\d{1,10}),\s*([^,]+),\s*(.*)$/.exec(line.trim()) ?? [];
  if (uuid === undefined || used === undefined || name === undefined) return null;
  const bytes = /^\d{1,9}$/.test(used) ? Number(used) * 1024 ** 2 : null;
  return { uuid, pid: Number(pid), name: /^\[.*\]$/.test(name) || name === "" ? "a hidden program" : name, bytes };
}
