import type { GpuReading } from "../core/telemetry.ts";
import { runLooped, TIMES, type Times } from "./looped.ts";
import { createInstances } from "./nvidiaInstances.ts";
import { PROGRAMS, watchPrograms } from "./nvidiaPrograms.ts";
import { FIELDS, fieldsWithout, lose, lostCard, parseRow, slotOf } from "./nvidiaRow.ts";
import { flooding, gibberish, isRemark, type Lost, meaningOf, NO_TOOL, parseLost, silence } from "./nvidiaTrouble.ts";
import type { GpuSource, SourceDeps } from "./source.ts";
import type { Command } from "./tool.ts";

export interface NvidiaDeps extends SourceDeps {
  /** nvidia-smi; null when there is none. */
  readonly tool: Command | null;
  readonly nowMs?: () => number;
  readonly times?: Times;
  /** That no process is listed does not mean that there is none: `hidesProcesses`. */
  readonly isHidden?: boolean;
}

/**
 * NVIDIA's GPUs by two nvidia-smi that run all the time, one for the cards and one for the processes on them. A process list that
 * cannot be had takes nothing but the processes from a reading.
 */
export function watchNvidia(deps: NvidiaDeps): GpuSource {
  const { tool, report, nowMs = () => performance.now(), times = TIMES, isHidden = false } = deps;
  if (!tool) {
    report(NO_TOOL);
    return { [Symbol.asyncDispose]: async () => undefined };
  }
  const every = ["--format=csv,noheader,nounits", "-lms", String(times.periodMs)];
  const instances = createInstances(tool, nowMs);
  const known = createKnown();
  const programs = watchPrograms({
    command: [...tool, PROGRAMS, ...every],
    ...{ nowMs, times, isHidden },
    instances: () => (known.isPartitioned() ? instances.now() : []),
  });
  let fields = FIELDS;
  const cards = runLooped({
    command: () => [...tool, `--query-gpu=${fields.join(",")}`, ...every],
    talks: "always",
    times,
    onLine(line) {
      const gpu = parseRow(line, fields);
      if (!gpu) return false;
      known.keep(gpu, slotOf(line, fields));
      report({ kind: "reading", gpu: { ...gpu, processes: programs.on(gpu.uuid) } });
      return true;
    },
    onRemark(line) {
      const lost = parseLost(line);
      if (lost) report({ kind: "reading", gpu: known.lost(lost) });
      return isRemark(line);
    },
    onEnd(why) {
      const fewer = fieldsWithout(why.said, fields);
      if (fewer) fields = fewer;
      else if (why.kind === "silent") report(silence(times.silenceMs / 1_000));
      else if (why.kind === "flood") report(flooding());
      else report(why.kind === "gibberish" && !parseLost(why.said) ? gibberish(why.said) : meaningOf(why));
    },
  });
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all([cards[Symbol.asyncDispose](), programs.looped[Symbol.asyncDispose]()]);
    },
  };
}

/** Slots are few, and so are the cards in them. */
const MOST_CARDS = 64;

/** The cards as they were last heard of: a driver that has lost one names it by its place. */
function createKnown() {
  const cards = new Map<string, { readonly gpu: GpuReading; readonly slot: string | null }>();
  return {
    keep(gpu: GpuReading, slot: string | null) {
      if (cards.has(gpu.uuid) || cards.size < MOST_CARDS) cards.set(gpu.uuid, { gpu, slot });
    },
    isPartitioned: () => [...cards.values()].some((it) => it.gpu.isPartitioned),
    lost(lost: Lost): GpuReading {
      const all = [...cards.values()];
      const bySlot = all.find((it) => it.slot !== null && it.slot === lost.slot);
      const found = bySlot ?? (lost.slot === null ? all.find((it) => it.gpu.index === lost.index) : undefined);
      return found ? lose(found.gpu, lost.said) : lostCard(lost);
    },
  };
}
