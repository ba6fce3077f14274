import type { Examination, FoundGpu, Problem } from "./examination.ts";

/**
 * Models are chosen by what the GPUs have in all; here, whether they would also fit now, beside what other programs hold. Nothing is said
 * where that is not known: a model of unknown size, a driver that tells nothing, an orchestrator that does not say what it holds itself.
 */
export function crowdingProblems({ gpus, models, orchestrator }: Examination): Problem[] {
  if (orchestrator.state === "running" && orchestrator.held === undefined) return [];
  const own = orchestrator.state === "running" ? (orchestrator.held ?? []) : [];
  return gpus.flatMap((gpu): Problem[] => {
    const { uuid, usedBytes, totalBytes, reserveBytes } = gpu;
    const meant = models.filter((it) => it.gpu === uuid && it.needBytes !== null);
    if (usedBytes === null || totalBytes === null || meant.length === 0) return [];
    const ownBytes = own.filter((it) => it.device === uuid).reduce((sum, it) => sum + it.bytes, 0);
    const othersBytes = Math.max(0, usedBytes - ownBytes);
    const needBytes = meant.reduce((sum, it) => sum + (it.needBytes ?? 0), 0);
    // What never fits is no matter of other programs.
    if (needBytes + reserveBytes > totalBytes || needBytes + reserveBytes + othersBytes <= totalBytes) return [];
    const names = meant.map((it) => `${it.id} for ${it.role}`).join(", ");
    const what =
      `GPU ${gpu.index}, ${gpu.name}: ${names} would be put there (${gigabytes(needBytes)}, beside a reserve of ` +
      `${gigabytes(reserveBytes)}) and does not fit now: other programs hold ${gigabytes(othersBytes)} of ${gigabytes(totalBytes)}${holders(gpu)}`;
    const nextStep =
      "Close a program that uses the card, or choose a smaller model with --model; until then it waits for memory";
    return [{ weight: "warning", what, nextStep }];
  });
}

/** More of them make no sentence. */
const MOST_NAMED = 3;

function holders({ processes }: FoundGpu): string {
  const largest = (processes ?? []).toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0)).slice(0, MOST_NAMED);
  const names = largest.map(
    (it) => `${it.name}, process ${it.pid}${it.bytes === null ? "" : `: ${gigabytes(it.bytes)}`}`,
  );
  return names.length === 0 ? "" : ` (${names.join("; ")})`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}
