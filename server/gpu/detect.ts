import { availableParallelism, totalmem } from "node:os";
import type { Hardware } from "../core/choose.ts";
import type { Log } from "../ports.ts";
import { type MachineGpus, readMachineGpus } from "./machine.ts";

/** What was found at one look. */
export interface Detected {
  readonly hardware: Hardware;
  /** Uuids of all GPUs that answered, also of those that models cannot be planned for. */
  readonly seen: readonly string[];
}

/** What this machine has. A missing or broken driver tool counts as no GPU, and is logged. */
export async function detectHardware(log: Log, signal: AbortSignal): Promise<Detected> {
  const { platform, arch, env } = process;
  const machine = await readMachineGpus({ env, platform, arch }, signal);
  for (const { vendor, report } of machine.said)
    if (report.kind === "broken") log.warn("GPUs cannot be read", { vendor, reason: report.reason });
  const seen = machine.gpus.flatMap((it) => (it.fault === null ? [it.uuid] : []));
  return { hardware: hardwareOf(machine), seen };
}

/** The machine as models are chosen for it. A card that does not tell its memory is none that a model can be planned for. */
export function hardwareOf(machine: Pick<MachineGpus, "gpus" | "instances">): Hardware {
  return { ramBytes: totalmem(), cores: availableParallelism(), gpus: placeable(machine) };
}

/**
 * Several cards are told apart by their index; a lone one is left to llama.cpp to find, because its builds count integrated graphics
 * too. Of a card that is cut into instances CUDA uses the first. AMD's cards are reached through Vulkan, and in which order that counts
 * several is not known here: a lone one is placed on, since llama.cpp takes what is no integrated graphics by itself, several are not.
 */
function placeable({ gpus, instances }: Pick<MachineGpus, "gpus" | "instances">): Hardware["gpus"] {
  const sized = gpus.flatMap(({ uuid, vendor, index, name, totalBytes, isPartitioned }) => {
    const vramBytes = isPartitioned ? (instances.find((it) => it.card === uuid)?.bytes ?? null) : totalBytes;
    return vramBytes === null ? [] : [{ uuid, vendor, index, name, vramBytes }];
  });
  // An AMD card that tells no memory may still be one that Vulkan counts.
  const isLone = gpus.length === 1;
  const cards = sized.filter((it) => it.vendor !== "amd" || isLone);
  return cards.map((it) => ({
    ...it,
    id: it.vendor === "apple" ? "metal" : cards.length === 1 ? "auto" : `gpu:${it.index}`,
  }));
}
