import type { GpuStatus } from "../../server/protocol/gpu.ts";
import type { EngineStatus } from "../../server/protocol/status.ts";

/** Whose a part of a device's memory is. `system`: used, and nobody says by whom; `reserve`: free, and not for models. */
export interface Part {
  readonly kind: "model" | "program" | "system" | "reserve" | "free";
  readonly name: string;
  readonly bytes: number;
  /** False: what a model would take by its file, not what was seen. */
  readonly isMeasured: boolean;
}

export interface Memory {
  readonly device: string;
  readonly totalBytes: number;
  /** Null: nobody tells. */
  readonly usedBytes: number | null;
  readonly reserveBytes: number;
  readonly processes: GpuStatus["processes"];
}

/** More programs than these are added up. */
const MOST_PROGRAMS = 4;

/**
 * A device's memory by owner; together the parts are all of it, and none is negative. What the driver says of a process counts more
 * than what a model says of itself or is reckoned to take; where the owners claim more than is used, the later ones are cut.
 */
export function partsOf(memory: Memory, engines: readonly EngineStatus[]): readonly Part[] {
  const models = modelsOn(memory, engines);
  const claimedBytes = models.reduce((sum, it) => sum + it.bytes, 0);
  const usedBytes = Math.min(memory.totalBytes, memory.usedBytes ?? claimedBytes);
  const parts: Part[] = [];
  let leftBytes = usedBytes;
  for (const it of [...models, ...programsOn(memory, engines)]) {
    const bytes = Math.min(it.bytes, leftBytes);
    leftBytes -= bytes;
    if (bytes > 0) parts.push({ ...it, bytes });
  }
  if (leftBytes > 0) parts.push({ kind: "system", name: "system and unnamed", bytes: leftBytes, isMeasured: true });
  const unusedBytes = memory.totalBytes - usedBytes;
  const reserveBytes = Math.min(memory.reserveBytes, unusedBytes);
  if (reserveBytes > 0) parts.push({ kind: "reserve", name: "kept free", bytes: reserveBytes, isMeasured: true });
  const freeBytes = unusedBytes - reserveBytes;
  if (freeBytes > 0)
    parts.push({ kind: "free", name: "free", bytes: freeBytes, isMeasured: memory.usedBytes !== null });
  return parts;
}

/** What one engine holds of a device; null: nothing, or nobody knows. */
export function heldBy(engine: EngineStatus, { device, processes }: Pick<Memory, "device" | "processes">) {
  const seen = processes?.find((it) => it.pid === engine.pid)?.bytes ?? null;
  if (seen !== null) return { bytes: seen, isMeasured: true };
  const told = engine.memory.filter((it) => it.device === device);
  if (told.length === 0) return null;
  return { bytes: told.reduce((sum, it) => sum + it.bytes, 0), isMeasured: told.every((it) => it.isMeasured) };
}

function modelsOn(memory: Memory, engines: readonly EngineStatus[]): Part[] {
  const found = engines.flatMap((engine) => {
    const held = heldBy(engine, memory);
    return held && held.bytes > 0 ? [{ kind: "model" as const, name: engine.model.label, ...held }] : [];
  });
  return found.sort((a, b) => b.bytes - a.bytes);
}

/** Other programs by name, the largest first; those of one name together. */
function programsOn({ processes }: Memory, engines: readonly EngineStatus[]): Part[] {
  const ours = new Set(engines.map((it) => it.pid));
  const others = (processes ?? []).filter((it) => !ours.has(it.pid) && (it.bytes ?? 0) > 0);
  const groups = [...Map.groupBy(others, (it) => shortName(it.name))].map(([name, list]) => ({
    name: list.length > 1 ? `${name} (${list.length})` : name,
    bytes: list.reduce((sum, it) => sum + (it.bytes ?? 0), 0),
  }));
  groups.sort((a, b) => b.bytes - a.bytes);
  const [shown, rest] = [groups.slice(0, MOST_PROGRAMS), groups.slice(MOST_PROGRAMS)];
  if (rest.length > 0)
    shown.push({ name: `${rest.length} more programs`, bytes: rest.reduce((sum, it) => sum + it.bytes, 0) });
  return shown.map((it) => ({ kind: "program", ...it, isMeasured: true }));
}

/** Drivers tell whole paths. */
function shortName(name: string): string {
  return name.split(/[/\\]/).at(-1) || name || "a program";
}
