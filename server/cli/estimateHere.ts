import { freemem } from "node:os";
import { loadConfig } from "../config/load.ts";
import { type Hardware, mainReserveBytes } from "../core/choose.ts";
import { reserveBytesOf } from "../core/configured.ts";
import { hardwareOf } from "../gpu/detect.ts";
import { readMachineGpus } from "../gpu/machine.ts";
import { configFile } from "../platform/folders.ts";

/** This machine's memories as they are at this moment. */
export interface Here {
  readonly hardware: Hardware;
  /** Of the GPU with this uuid, kept free of models, as the configuration file says. */
  readonly reserveBytes: (uuid: string) => number;
  /** "cpu", or a GPU's id. Null: this machine has no such GPU, or its driver does not say what is free. */
  device(id: string): {
    readonly name: string | null;
    readonly haveBytes: number | null;
    readonly freeBytes: number | null;
    readonly reserveBytes: number;
  };
}

/** Reads the GPUs once; a driver that is broken counts as none, and the orchestrator says so. */
export async function readHere(signal: AbortSignal): Promise<Here> {
  const { platform, arch, env } = process;
  const machine = await readMachineGpus({ env, platform, arch }, signal);
  const hardware = hardwareOf(machine);
  const { config } = loadConfig({ path: configFile(), env, before: null });
  const reserveBytesOfGpu = (uuid: string) => reserveBytesOf(config, uuid);
  return {
    hardware,
    reserveBytes: reserveBytesOfGpu,
    device(id) {
      // On Linux what the kernel would give up at once counts as free.
      const { ramBytes } = hardware;
      const main = { haveBytes: ramBytes, freeBytes: freemem(), reserveBytes: mainReserveBytes(ramBytes) };
      if (id === "cpu") return { name: "main memory", ...main };
      const gpu = hardware.gpus.find((it) => it.id === id);
      const reading = machine.gpus.find((it) => it.uuid === gpu?.uuid);
      // Of a card that is cut into instances the driver tells what is free of all of them.
      const freeBytes = reading && !reading.isPartitioned ? reading.freeBytes : null;
      const reserveBytes = reserveBytesOfGpu(gpu?.uuid ?? "");
      return { name: gpu?.name ?? null, haveBytes: gpu?.vramBytes ?? null, freeBytes, reserveBytes };
    },
  };
}
