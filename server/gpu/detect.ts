import { availableParallelism, totalmem } from "node:os";
import type { Hardware } from "../core/choose.ts";
import type { Log } from "../ports.ts";
import { type MachineGpus, readMachineGpus } from "./machine.ts";

/** What this machine has, asked once at start. A missing or broken driver tool counts as no GPU, and is logged. */
export async function detectHardware(log: Log, signal: AbortSignal): Promise<Hardware> {
  const { platform, arch, env } = process;
  const machine = await readMachineGpus({ env, platform, arch }, signal);
  for (const { vendor, report } of machine.said)
    if (report.kind === "broken") log.warn("GPUs cannot be read", { vendor, reason: report.reason });
  return hardwareOf(machine);
}

/** The machine as models are chosen for it. A card that does not tell its memory is none that a model can be planned for. */
export function hardwareOf(machine: Pick<MachineGpus, "gpus" | "instances">): Hardware {
  return { ramBytes: totalmem(), cores: availableParallelism(), gpus: placeable(machine) };
}

/**
 * Several cards are told apart by their index; a lone one is left to llama.cpp to find, because its builds count integrated graphics
 * too. Of a card that is cut into instances CUDA uses the first. AMD's cards are not placed on by themselves: in which order Vulkan
 * counts them is not known here.
 */
function placeable({ gpus, instances }: Pick<MachineGpus, "gpus" | "instances">): Hardware["gpus"] {
  const cards = gpus.flatMap(({ uuid, vendor, index, name, totalBytes, isPartitioned }) => {
    const vramBytes = isPartitioned ? (instances.find((it) => it.card === uuid)?.bytes ?? null) : totalBytes;
    return vendor === "amd" || vramBytes === null ? [] : [{ vendor, index, name, vramBytes }];
  });
  return cards.map(({ vendor, index, name, vramBytes }) => ({
    id: vendor === "apple" ? "metal" : cards.length === 1 ? "auto" : `gpu:${index}`,
    name,
    vramBytes,
  }));
}
