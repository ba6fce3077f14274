import { createHash } from "node:crypto";
import { z } from "zod";
import type { LoadPlan } from "../core/estimatePlan.ts";

/** A model file as far as its bytes go: another file of the same name is another model. */
export interface FileIdentity {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** What was measured of one load on one device. Neither paths nor names of models are in it. */
const Entry = z.object({
  /** The engine that was loaded: what is seen of it later takes the place of what was seen before. */
  life: z.string().regex(/^[0-9a-f]{8}$/),
  /** Of the file, and of the way it was loaded. */
  model: z.string().regex(/^[0-9a-f]{16}$/),
  load: z.string().regex(/^[0-9a-f]{16}$/),
  /** A GPU's uuid, or "cpu". */
  device: z.string().min(1).max(200),
  /** "embedded" or "llama-server". */
  backend: z.string().min(1).max(40),
  /** With the driver's own memory, as the estimate has it. */
  estimatedBytes: z.int().positive(),
  measuredBytes: z.int().positive(),
  /** The driver's list of processes tells all that a process holds; an engine tells its buffers alone. */
  by: z.enum(["driver", "engine"]),
});
export type Entry = z.output<typeof Entry>;

/** How long a load took, from the start of its process until it answered. */
const Timing = z.object({
  life: z.string().regex(/^[0-9a-f]{8}$/),
  model: z.string().regex(/^[0-9a-f]{16}$/),
  /** The option's devices. */
  option: z.string().min(1).max(2_000),
  backend: z.string().min(1).max(40),
  tookMs: z.number().nonnegative(),
});
export type Timing = z.output<typeof Timing>;

/** The file that outlives the orchestrator; the newest last. */
export const Remembered = z.object({
  version: z.literal(1),
  entries: z.array(Entry),
  timings: z.array(Timing),
});
export type Remembered = z.output<typeof Remembered>;

export const NOTHING: Remembered = { version: 1, entries: [], timings: [] };

/** More loads of one model in one way say nothing new; the oldest go. */
const MOST_OF_A_KIND = 20;
/** With all its fields an entry takes some 250 bytes, so that the file stays below a quarter of a megabyte. */
const MOST_ENTRIES = 800;
const MOST_TIMINGS = 200;

/** Adds what was measured of one load, and forgets what is beyond the bounds. */
export function remember(before: Remembered, entries: readonly Entry[], timing: Timing): Remembered {
  const all = entries.reduce<readonly Entry[]>((present, entry) => {
    const kept = present.filter((it) => it.life !== entry.life || it.device !== entry.device || it.by !== entry.by);
    const alike = kept.filter((it) => isAlike(it, entry));
    const oldest = alike.length >= MOST_OF_A_KIND ? alike[0] : null;
    return [...kept.filter((it) => it !== oldest), entry];
  }, before.entries);
  return {
    version: 1,
    entries: all.slice(-MOST_ENTRIES),
    timings: [...before.timings.filter((it) => it.life !== timing.life), timing].slice(-MOST_TIMINGS),
  };
}

function isAlike(one: Entry, other: Entry): boolean {
  return (
    one.model === other.model && one.load === other.load && one.device === other.device && one.backend === other.backend
  );
}

export function modelKey({ path, bytes, modifiedMs }: FileIdentity): string {
  return hash([path, bytes, Math.round(modifiedMs)]);
}

/** All of a plan that decides about memory; the same cards in another order hold other layers. */
export function loadKey(plan: LoadPlan): string {
  const { contextTokens, slots, batchTokens, outputs, keyType, valueType, flashAttention, gpuLayers, gpus } = plan;
  const whole = gpus.reduce((sum, it) => sum + it.share, 0);
  // What is free of a card is not part of it, so a share counts in hundredths.
  const shares = gpus.map((it) => [it.id, Math.round((100 * it.share) / whole)]);
  return hash([contextTokens, slots, batchTokens, outputs, keyType, valueType, flashAttention, gpuLayers, shares]);
}

function hash(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
