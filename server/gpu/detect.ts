import { execFile } from "node:child_process";
import { availableParallelism, totalmem } from "node:os";
import type { Hardware } from "../core/choose.ts";
import type { Log } from "../ports.ts";

/** A driver that hangs must not keep the first answer waiting. */
const PATIENCE_MS = 2_000;
/** Metal lets a process use about this share of a Mac's unified memory. */
const METAL_SHARE = 0.7;

/** What this machine has, asked once at start. A missing or broken driver tool counts as no GPU, and is logged. */
export async function detectHardware(log: Log, signal: AbortSignal): Promise<Hardware> {
  const ramBytes = totalmem();
  const cores = availableParallelism();
  if (process.platform === "darwin" && process.arch === "arm64")
    return {
      ramBytes,
      cores,
      gpus: [{ id: "metal", name: "Apple silicon", vramBytes: Math.floor(ramBytes * METAL_SHARE) }],
    };
  return { ramBytes, cores, gpus: await nvidiaGpus(log, signal) };
}

async function nvidiaGpus(log: Log, signal: AbortSignal): Promise<Hardware["gpus"]> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const query = ["--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits"];
  execFile(
    "nvidia-smi",
    query,
    { timeout: PATIENCE_MS, killSignal: "SIGKILL", windowsHide: true, signal },
    (error, stdout) => {
      if (error && !("code" in error && error.code === "ENOENT"))
        log.warn("nvidia-smi failed", { reason: error.message.split("\n")[0] });
      resolve(error ? null : stdout);
    },
  );
  const printed = await promise;
  return printed === null ? [] : parseGpus(printed);
}

/**
 * One line per GPU: "0, NVIDIA GeForce RTX 3090, 24576" (MiB). Lines that are anything else are left out. Several cards are
 * told apart by their index; a lone one is left to llama.cpp to find, because its builds count integrated graphics too.
 */
export function parseGpus(printed: string): Hardware["gpus"] {
  const rows = printed.split("\n").flatMap((line) => {
    const [, index, name, mebibytes] = /^\s*(\d+),\s*(.+?),\s*(\d+)\s*$/.exec(line) ?? [];
    return index && name && mebibytes ? [{ index, name, vramBytes: Number(mebibytes) * 1024 ** 2 }] : [];
  });
  return rows.map(({ index, name, vramBytes }) => ({
    id: rows.length === 1 ? "auto" : `gpu:${index}`,
    name,
    vramBytes,
  }));
}
