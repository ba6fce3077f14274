import { freemem } from "node:os";
import type { Hardware } from "../core/choose.ts";
import { hardwareOf } from "../gpu/detect.ts";
import { readMachineGpus } from "../gpu/machine.ts";

/** This machine's memories as they are at this moment. */
export interface Here {
  readonly hardware: Hardware;
  /** "cpu", or a GPU's id. Null: this machine has no such GPU, or its driver does not say what is free. */
  device(id: string): {
    readonly name: string | null;
    readonly haveBytes: number | null;
    readonly freeBytes: number | null;
  };
}

/** Reads the GPUs once; a driver that is broken counts as none, and the orchestrator says so. */
export async function readHere(signal: AbortSignal): Promise<Here> {
  const { platform, arch, env } = process;
  const machine = await readMachineGpus({ env, platform, arch }, signal);
  const hardware = hardwareOf(machine);
  return {
    hardware,
    device(id) {
      // On Linux what the kernel would give up at once counts as free.
      if (id === "cpu") return { name: "main memory", haveBytes: hardware.ramBytes, freeBytes: freemem() };
      const gpu = hardware.gpus.find((it) => it.id === id);
      const reading = machine.gpus.find((it) => it.uuid === gpu?.uuid);
      // Of a card that is cut into instances the driver tells what is free of all of them.
      const freeBytes = reading && !reading.isPartitioned ? reading.freeBytes : null;
      return { name: gpu?.name ?? null, haveBytes: gpu?.vramBytes ?? null, freeBytes };
    },
  };
}
