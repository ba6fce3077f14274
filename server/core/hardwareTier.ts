/** Something a model can be put on: a card, or an instance that a card is cut into. */
export interface Card {
  readonly name: string;
  readonly vendor: "nvidia" | "amd" | "apple";
  readonly totalBytes: number;
  /** NVIDIA's, as "8.9"; null: not told. */
  readonly computeCapability: string | null;
  readonly isInstance: boolean;
}

/** The document's classes of machine. */
export type Tier = "CPU_ONLY" | "LOW_VRAM" | "CONSUMER" | "PROSUMER" | "DATACENTER" | "MULTI_GPU";

/** A machine's class, and what it follows from. */
export interface Tiering {
  readonly tier: Tier;
  /** What the largest card by itself would be. */
  readonly singleTier: Exclude<Tier, "MULTI_GPU">;
  /** Those that count, the largest first. */
  readonly cards: readonly Card[];
  /** The cards that count are all of one kind, so that one model may be split evenly among them. */
  readonly isUniform: boolean;
  /** Sentences for people. */
  readonly why: readonly string[];
}

/** Sizes that graphics memory is sold in, in GB. */
const SOLD = [
  1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 141, 180, 192, 256, 288,
] as const;
/** Error correction and the driver's own share take up to about this much before a card tells its size. */
const HIDDEN_SHARE = 0.08;
const GIB = 1024 ** 3;

/** The size a card is sold by: one that tells 8188 MiB is an "8 GB" card, one of 23,028 MiB with error correction one of 24. */
export function nominalGigabytes(bytes: number): number {
  const told = bytes / GIB;
  const sold = SOLD.find((it) => it >= told - 0.05);
  return sold !== undefined && told >= sold * (1 - HIDDEN_SHARE) ? sold : Math.round(told);
}

/** A second card smaller than this holds not even the smallest auditor beside what stays free, so it makes no pair. */
const LEAST_SECOND_GB = 5;

/** The class of a machine with these cards. Bounds belong to the lower class: 12 GB are CONSUMER, 24 PROSUMER. */
export function tierOf(cards: readonly Card[]): Tiering {
  const sorted = cards.toSorted((a, b) => b.totalBytes - a.totalBytes);
  const [largest] = sorted;
  if (!largest)
    return { tier: "CPU_ONLY", singleTier: "CPU_ONLY", cards: [], isUniform: true, why: ["no GPU that can be used"] };
  const singleTier = singleTierOf(nominalGigabytes(largest.totalBytes));
  const counting = sorted.filter((it, nth) => nth === 0 || nominalGigabytes(it.totalBytes) >= LEAST_SECOND_GB);
  const isUniform = counting.every((it) => isLike(it, largest));
  const why = [`${described(largest)} is ${singleTier} (${RANGES[singleTier]})`, ...leftOut(sorted, counting)];
  if (counting.length === 1) return { tier: singleTier, singleTier, cards: counting, isUniform, why };
  why.push(`${counting.length} of them make MULTI_GPU: ${counting.map(described).join(", ")}`);
  if (!isUniform)
    why.push(
      "they are not alike, so the larger one drafts and no model is split among them: the smaller one would set the pace",
    );
  return { tier: "MULTI_GPU", singleTier, cards: counting, isUniform, why };
}

const RANGES: Readonly<Record<Tiering["singleTier"], string>> = {
  CPU_ONLY: "no GPU",
  LOW_VRAM: "less than 8 GB",
  CONSUMER: "8 to 12 GB",
  PROSUMER: "more than 12, to 24 GB",
  DATACENTER: "more than 24 GB",
};

function singleTierOf(gigabytes: number): Tiering["singleTier"] {
  if (gigabytes < 8) return "LOW_VRAM";
  if (gigabytes <= 12) return "CONSUMER";
  return gigabytes <= 24 ? "PROSUMER" : "DATACENTER";
}

function isLike(one: Card, other: Card): boolean {
  return (
    one.vendor === other.vendor &&
    one.computeCapability === other.computeCapability &&
    nominalGigabytes(one.totalBytes) === nominalGigabytes(other.totalBytes)
  );
}

function leftOut(all: readonly Card[], counting: readonly Card[]): string[] {
  return all
    .filter((it) => !counting.includes(it))
    .map((it) => `${described(it)} is left out: it would hold no auditor beside the memory that stays free`);
}

function described({ name, totalBytes }: Card): string {
  return `${name} with ${nominalGigabytes(totalBytes)} GB`;
}
