import type { GpuProcess, GpuReading } from "../core/telemetry.ts";
import { type Looped, runLooped, TIMES, type Times } from "./looped.ts";
import { FIELDS, fieldsWithout, parseRow } from "./nvidiaRow.ts";
import { gibberish, meaningOf, NO_TOOL, silence } from "./nvidiaTrouble.ts";
import type { GpuSource, SourceDeps } from "./source.ts";
import type { Command } from "./tool.ts";

export interface NvidiaDeps extends SourceDeps {
  /** nvidia-smi; null when there is none. */
  readonly tool: Command | null;
  readonly nowMs?: () => number;
  readonly times?: Times;
}

/** A process is gone when it has been missing from this many lists. */
const MISSED_LISTS = 2.5;

/**
 * NVIDIA's GPUs by two nvidia-smi that run all the time, one for the cards and one for the processes on them. A process list that
 * cannot be had takes nothing but the processes from a reading.
 */
export function watchNvidia({ tool, report, nowMs = () => performance.now(), times = TIMES }: NvidiaDeps): GpuSource {
  if (!tool) {
    report(NO_TOOL);
    return { [Symbol.asyncDispose]: async () => undefined };
  }
  const every = ["--format=csv,noheader,nounits", "-lms", String(times.periodMs)];
  const programs = watchPrograms({ command: [...tool, PROGRAMS, ...every], nowMs, times });
  let fields = FIELDS;
  const cards = runLooped({
    command: () => [...tool, `--query-gpu=${fields.join(",")}`, ...every],
    silenceMs: times.silenceMs,
    times,
    onLine(line) {
      const gpu = parseRow(line, fields);
      if (gpu) report({ kind: "reading", gpu: { ...gpu, processes: programs.on(gpu.uuid) } });
      return gpu !== null;
    },
    onEnd(why) {
      const fewer = fieldsWithout(why.said, fields);
      if (fewer) fields = fewer;
      else if (why.kind === "silent") report(silence(times.silenceMs / 1_000));
      else report(why.kind === "gibberish" ? gibberish(why.said) : meaningOf(why));
    },
  });
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all([cards[Symbol.asyncDispose](), programs.looped[Symbol.asyncDispose]()]);
    },
  };
}

/** Only what computes is listed; the memory of games and desktops is in the card's own number. */
const PROGRAMS = "--query-compute-apps=gpu_uuid,pid,used_memory,process_name";

interface Programs {
  readonly looped: Looped;
  /** Null: not known. */
  on(uuid: string): GpuReading["processes"];
}

interface ProgramsDeps {
  readonly command: Command;
  readonly nowMs: () => number;
  readonly times: Times;
}

/**
 * Lists come without anything between them, and an empty one prints nothing: so a process is there as long as it is seen, and that
 * none is there can be said only of a list that has had the time to print.
 */
function watchPrograms({ command, nowMs, times }: ProgramsDeps): Programs {
  const seen = new Map<string, GpuProcess & { readonly uuid: string; readonly seenMs: number }>();
  let sinceMs = nowMs();
  let isBroken = false;
  const limitMs = times.periodMs * MISSED_LISTS;
  const looped = runLooped({
    command: () => command,
    silenceMs: null,
    times,
    onLine(line) {
      const found = parseProgram(line);
      if (found) seen.set(`${found.uuid} ${found.pid}`, { ...found, seenMs: nowMs() });
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
      if (!looped.isRunning || isBroken || (seen.size === 0 && atMs - sinceMs <= limitMs)) return null;
      return [...seen.values()]
        .filter((it) => it.uuid === uuid)
        .map(({ pid, name, bytes }) => ({ pid, name, bytes }))
        .toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
    },
  };
}

/** "GPU-..., 4242, 5120, /usr/bin/python3": the name comes last, since it may hold commas. */
export function parseProgram(line: string): (GpuProcess & { readonly uuid: string }) | null {
  const [, uuid, pid, used, name] = /^((?:GPU|MIG)-[\w/-]+),\s*(\d{1,10}),\s*([^,]+),\s*(.*)$/.exec(line.trim()) ?? [];
  if (uuid === undefined || used === undefined || name === undefined) return null;
  return { uuid, pid: Number(pid), name, bytes: /^\d+$/.test(used) ? Number(used) * 1024 ** 2 : null };
}
