import type { Need } from "../core/govern/loadable.ts";

const MEBIBYTE = 1024 ** 2;
/** Of one line of a log; what is longer is no line about a buffer. */
const MAX_LINE_CHARS = 1_000;

/** Reads what a llama-server says that it has allocated, as it says it. */
export interface BufferReader {
  /** The next piece of its log, cut anywhere. */
  add(text: string): void;
  /** By device: those of `cards` by the names the server gives them, all else "cpu". Null: it said nothing. */
  needs(cards: ReadonlyMap<string, string>): Need[] | null;
  /** Where it says that it is: "CUDA0 (NVIDIA GeForce RTX 3090)"; null: it did not say. */
  usedDevices(): string | null;
}

/**
 * Lines of llama.cpp: "load_tensors:        CUDA0 model buffer size =  4168.09 MiB". With `--fit` a dry pass comes first, in which no
 * weights are allocated; what it says of the rest is forgotten when weights are.
 */
export function createBufferReader(): BufferReader {
  let rest = "";
  let bytes = new Map<string, number>();
  let weightBytes = 0;
  let isPastWeights = false;
  const used = new Set<string>();

  function line(text: string): void {
    const device = /using device (\S+) \((.+?)\)/.exec(text);
    if (device) used.add(`${device[1]} (${device[2]})`);
    const [, buffer, kind, mebibytes] =
      /\s([\w-]+) +(model|KV|RS|compute|output) +buffer size = +(\d[\d.]*) MiB/.exec(text) ?? [];
    if (buffer === undefined) return;
    const isWeights = kind === "model";
    if (isWeights && isPastWeights && weightBytes === 0) bytes = new Map();
    isPastWeights = !isWeights;
    const more = Math.round(Number(mebibytes) * MEBIBYTE);
    if (isWeights) weightBytes += more;
    bytes.set(buffer, (bytes.get(buffer) ?? 0) + more);
  }

  return {
    add(text) {
      const lines = (rest + text).split("\n");
      rest = (lines.pop() ?? "").slice(-MAX_LINE_CHARS);
      for (const it of lines) line(it.slice(0, MAX_LINE_CHARS));
    },
    needs(cards) {
      const byDevice = new Map<string, number>();
      for (const [buffer, more] of bytes) {
        // "CUDA0", "CUDA0_Split"; "CUDA_Host", "CPU_Mapped" and "CPU_REPACK" are main memory.
        const device = cards.get(buffer.replace(/_.*/, "")) ?? "cpu";
        byDevice.set(device, (byDevice.get(device) ?? 0) + more);
      }
      return weightBytes === 0 ? null : [...byDevice].map(([device, total]) => ({ device, bytes: total }));
    },
    usedDevices: () => (used.size === 0 ? null : [...used].join(", ")),
  };
}
