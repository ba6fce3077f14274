import type { Role } from "../protocol/models.ts";
import { corrected, UNPROVEN } from "./correction.ts";
import { estimate } from "./estimate.ts";
import { type KnownShape, toKnownModel } from "./estimateKnown.ts";
import { DEFAULT_PLAN } from "./estimatePlan.ts";

/** What is known about a model before it is loaded. Catalogue entries have this shape. */
export interface SizedModel {
  readonly id: string;
  readonly label: string;
  readonly roles: readonly Role[];
  readonly bytes: number;
  readonly contextTokens: number;
  readonly maxContextTokens: number;
  readonly kvBytesPerToken: number;
  /** Null: not known, and its need is guessed from its size. */
  readonly shape: KnownShape | null;
  readonly isRestricted: boolean;
  readonly isTrial: boolean;
}

export interface Hardware {
  readonly ramBytes: number;
  readonly cores: number;
  readonly gpus: readonly HardwareGpu[];
}

/** A GPU that models can be put on. */
export interface HardwareGpu {
  /** The device as settings and engines name it: "auto" for a lone one, "gpu:1", "metal". */
  readonly id: string;
  /** Names the card for good, as its readings do. */
  readonly uuid: string;
  readonly vendor: "nvidia" | "amd" | "apple";
  /** As its driver's tool counts them. */
  readonly index: number;
  readonly name: string;
  readonly vramBytes: number;
}

export interface Placed {
  readonly model: string;
  /** The GPU's id; null: on the CPU. */
  readonly gpu: string | null;
}

export interface Choice {
  readonly draft: Placed;
  readonly audit: Placed;
  /** One sentence for people: what there is, and why these models follow from it. */
  readonly why: string;
}

/** What stays free on every GPU, for the desktop, the browser and the next prompt. */
export const GPU_RESERVE_BYTES = 3 * 1024 ** 3;

/**
 * What stays free of main memory. The desktop's and the browser's share is in what is used already, unlike a GPU's, whose reserve is for
 * windows that open later; and the system can swap. So only what grows until the next reading is kept: 256 MB of 8 GB, 1 GB at most.
 */
export function mainReserveBytes(totalBytes: number): number {
  return Math.min(1024 ** 3, totalBytes / 32);
}

/**
 * What an engine needs beside weights and keys/values of a model whose widths are not known: the compute buffers of a 512-token batch over a vocabulary of
 * 152,000 (about 300 MB) and the driver's own context (300 to 500 MB on CUDA).
 */
export const ENGINE_BYTES = 800_000_000;

/** Machines sold with 8 GB report less, since firmware and integrated graphics take their share first. */
const SMALL_RAM_BYTES = 7_500_000_000;

/** On the CPU decoding is bound by memory bandwidth: above about 2 GB of weights an answer takes minutes. */
const CPU_WEIGHT_BYTES = 2_000_000_000;

/** From this draft size on, an auditor of the smallest size would only nod: it gets one at least of `MIN_AUDIT_BYTES`. */
const LARGE_DRAFT_BYTES = 4_000_000_000;
const MIN_AUDIT_BYTES = 1_000_000_000;

/** An auditor beyond this is slower than the drafter's text needs: it answers in a few tokens per part. */
const MAX_AUDIT_BYTES = 5_000_000_000;

/**
 * Bytes of one GPU that a model should find free, whole and with its default context: by the same arithmetic that admits it once its file
 * is here, and with the same addition for what was not measured yet.
 */
export function needBytes({ shape, bytes, contextTokens, ...model }: SizedModel): number {
  if (shape === null) return corrected(bytes + contextTokens * model.kvBytesPerToken + ENGINE_BYTES, UNPROVEN);
  const known = toKnownModel({ bytes, shape, maxContextTokens: model.maxContextTokens });
  const { devices } = estimate(known, {
    ...DEFAULT_PLAN,
    outputs: "step",
    contextTokens,
    gpus: [{ id: "gpu", share: 1 }],
  });
  return corrected(devices[0]?.totalBytes ?? 0, UNPROVEN);
}

/**
 * The best pair of models for a machine. `models` are ordered from weakest to strongest; models whose licence is
 * restricted, and the trial model, are never picked. Null when there is nothing to pick from.
 */
export function choose(models: readonly SizedModel[], hardware: Hardware): Choice | null {
  const open = models.filter((it) => !it.isRestricted && !it.isTrial);
  const drafts = open.filter((it) => it.roles.includes("draft"));
  const audits = open.filter((it) => it.roles.includes("audit") && it.bytes <= MAX_AUDIT_BYTES);
  const [first, second] = hardware.gpus.toSorted((a, b) => b.vramBytes - a.vramBytes);
  if (first && second) {
    const choice = onTwoGpus(drafts, audits, first, second);
    if (choice) return choice;
  }
  return (first ? onOneGpu(drafts, audits, first) : null) ?? onCpu(drafts, audits, hardware);
}

/** The device for one model more: the largest GPU, if it could hold the model; null: the CPU. A model of unknown size is taken to fit. */
export function gpuFor(model: SizedModel | null, { gpus }: Hardware): string | null {
  const [largest] = gpus.toSorted((a, b) => b.vramBytes - a.vramBytes);
  return largest && (!model || needBytes(model) <= roomBytes(largest)) ? largest.id : null;
}

type Gpu = Hardware["gpus"][number];

function onTwoGpus(
  drafts: readonly SizedModel[],
  audits: readonly SizedModel[],
  first: Gpu,
  second: Gpu,
): Choice | null {
  const draft = drafts.findLast((it) => needBytes(it) <= roomBytes(first));
  const audit = audits.findLast((it) => needBytes(it) <= roomBytes(second));
  if (!draft || !audit) return null;
  return {
    draft: { model: draft.id, gpu: first.id },
    audit: { model: audit.id, gpu: second.id },
    why:
      `${size(first)} hold ${draft.label} (${gigabytes(needBytes(draft))} with its context) for drafts and ` +
      `${size(second)} hold ${audit.label} for audits, with a reserve of ${gigabytes(GPU_RESERVE_BYTES)} kept on each; by what the cards have in all`,
  };
}

function onOneGpu(drafts: readonly SizedModel[], audits: readonly SizedModel[], gpu: Gpu): Choice | null {
  for (const draft of drafts.toReversed()) {
    const leftBytes = roomBytes(gpu) - needBytes(draft);
    const leastBytes = draft.bytes >= LARGE_DRAFT_BYTES ? MIN_AUDIT_BYTES : 0;
    const audit = audits.find((it) => it.bytes >= leastBytes && needBytes(it) <= leftBytes);
    if (!audit) continue;
    return {
      draft: { model: draft.id, gpu: gpu.id },
      audit: { model: audit.id, gpu: gpu.id },
      why:
        `${size(gpu)} hold ${draft.label} for drafts and ${audit.label} for audits ` +
        `(${gigabytes(needBytes(draft) + needBytes(audit))} with their contexts) with a reserve of ${gigabytes(GPU_RESERVE_BYTES)} kept; by what the card has in all`,
    };
  }
  return null;
}

function onCpu(drafts: readonly SizedModel[], audits: readonly SizedModel[], hardware: Hardware): Choice | null {
  const limitBytes = hardware.ramBytes >= SMALL_RAM_BYTES ? CPU_WEIGHT_BYTES : MIN_AUDIT_BYTES;
  const draft = drafts.findLast((it) => it.bytes <= limitBytes) ?? drafts[0];
  const audit = audits[0];
  if (!draft || !audit) return null;
  const gpus = hardware.gpus.length === 0 ? "no GPU" : "no GPU with enough memory";
  return {
    draft: { model: draft.id, gpu: null },
    audit: { model: audit.id, gpu: null },
    why:
      `${gpus}, ${hardware.cores} CPU cores and ${gigabytes(hardware.ramBytes)} of memory: ${draft.label} is the ` +
      `largest that answers at a usable pace, ${audit.label} audits beside it`,
  };
}

function roomBytes(gpu: Gpu): number {
  return gpu.vramBytes - GPU_RESERVE_BYTES;
}

function size(gpu: Gpu): string {
  return `the ${gigabytes(gpu.vramBytes)} of ${gpu.name}`;
}

/** Binary units, as cards are sold: 25,769,803,776 bytes are "24 GB". */
export function gigabytes(bytes: number): string {
  const value = bytes / 1024 ** 3;
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "")} GB`;
}
