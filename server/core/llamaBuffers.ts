import type { Need } from "./govern/loadable.ts";

const MEBIBYTE = 1024 ** 2;
/** Of one line of a log; what is longer is no line about a buffer. */
const MAX_LINE_CHARS = 1_000;

/** Bytes by the name of a buffer's kind of memory: "CUDA0", "CPU_Mapped". */
export type Buffers = Readonly<Record<string, number>>;

/** Reads what llama.cpp says that it has allocated, as it says it. */
export interface BufferReader {
  /** The next piece of its log, cut anywhere. */
  add(text: string): void;
  /** Null: it said nothing. */
  buffers(): Buffers | null;
  /** Whether it said all: buffers for computing come last. */
  isWhole(): boolean;
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
  let isPastCompute = false;
  const used = new Set<string>();

  function line(text: string): void {
    const device = /using device (\S+) \((.+?)\)/.exec(text);
    if (device) used.add(`${device[1]} (${device[2]})`);
    const [, buffer, kind, mebibytes] =
      /\s([\w-]+) +(model|KV|RS|compute|output) +buffer size = +(\d[\d.]*) MiB/.exec(text) ?? [];
    if (buffer === undefined) return;
    const isWeights = kind === "model";
    if (isWeights && isPastWeights && weightBytes === 0) {
      bytes = new Map();
      isPastCompute = false;
    }
    isPastCompute ||= kind === "compute";
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
    isWhole: () => weightBytes > 0 && isPastCompute,
    buffers: () => (weightBytes === 0 ? null : Object.fromEntries(bytes)),
    usedDevices: () => (used.size === 0 ? null : [...used].join(", ")),
  };
}

/** By device: those of `cards` by the names that llama.cpp gives them ("CUDA0"), all else is main memory, "cpu". */
export function needsOf(buffers: Buffers, cards: ReadonlyMap<string, string>): Need[] {
  const byDevice = new Map<string, number>();
  // Weights that the processor wants in another order lie in a buffer of their own; the pages of the mapped file that they came from
  // are not touched again, so they count once.
  const twice = Math.min(buffers.CPU_REPACK ?? 0, buffers.CPU_Mapped ?? 0);
  for (const [buffer, more] of Object.entries(buffers)) {
    // "CUDA0_Split" is the card's; "CUDA_Host", "CPU_Mapped" and "CPU_REPACK" are main memory.
    const device = cards.get(buffer.replace(/_.*/, "")) ?? "cpu";
    byDevice.set(device, (byDevice.get(device) ?? 0) + more);
  }
  return [...byDevice].map(([device, bytes]) => ({ device, bytes: device === "cpu" ? bytes - twice : bytes }));
}
