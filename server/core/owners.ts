import type { GpuStatus } from "../protocol/gpu.ts";
import type { EngineStatus } from "../protocol/status.ts";

/** Who holds how much of one GPU's memory. */
export interface Owner {
  /** `model`: a model of Tandem's; `program`: anything else that the driver names; `untold`: used, and the driver does not say by whom. */
  readonly kind: "model" | "program" | "untold";
  /** The model's name, or the program's without its folder; "" for what is untold. */
  readonly label: string;
  /** Null: it is there, and its share is not told. */
  readonly bytes: number | null;
}

/** What a driver and a desktop take without being listed, at the least worth a line. */
const UNTOLD_BYTES = 64 * 1024 ** 2;

/** The owners of what is used of a GPU, models first, then the largest. One program in several processes is one owner. */
export function ownersOf(gpu: GpuStatus, engines: readonly EngineStatus[]): Owner[] {
  const processes = gpu.processes ?? [];
  const ours = new Set(engines.flatMap(({ pid }) => (pid === null ? [] : [pid])));
  const models = engines.flatMap((engine): Owner[] => {
    const seen = processes.find((it) => it.pid === engine.pid)?.bytes ?? null;
    const said = engine.memory.find((it) => it.device === gpu.uuid)?.bytes ?? null;
    const isHere = seen !== null || said !== null || processes.some((it) => it.pid === engine.pid);
    return isHere ? [{ kind: "model", label: engine.model.label, bytes: seen ?? said }] : [];
  });
  const programs = new Map<string, number | null>();
  for (const { pid, name, bytes } of processes) {
    if (ours.has(pid)) continue;
    const label = programOf(name);
    const before = programs.get(label);
    programs.set(label, before === undefined ? bytes : before === null || bytes === null ? null : before + bytes);
  }
  const named = [...models, ...[...programs].map(([label, bytes]): Owner => ({ kind: "program", label, bytes }))];
  const known = named.reduce((sum, it) => sum + (it.bytes ?? 0), 0);
  const rest = gpu.usedBytes === null ? 0 : gpu.usedBytes - known;
  if (rest >= UNTOLD_BYTES) named.push({ kind: "untold", label: "", bytes: rest });
  return named.toSorted((a, b) => RANK[a.kind] - RANK[b.kind] || (b.bytes ?? 0) - (a.bytes ?? 0));
}

const RANK: Readonly<Record<Owner["kind"], number>> = { model: 0, program: 1, untold: 2 };

/** "/usr/bin/python3" and "C:\\Games\\game.exe" by their last part. */
function programOf(name: string): string {
  return name.split(/[\\/]/).at(-1) || name;
}
