import { type Agreement, agreementOf, cohensKappa, type Share, wilson } from "../statistics.ts";
import { FAULTS, type Fault, type PlantedDraft } from "./planted.ts";

/** What one audit said of a draft. */
export interface Said {
  /** A part, or in an audit of the whole the whole, was flagged. */
  readonly isFlagged: boolean;
  /** Lines that were named. */
  readonly lines: readonly number[];
  /** Verdicts that could not be read. */
  readonly unclear: number;
}

/** The same draft judged part by part, by those and the final pass, and as a whole at once. */
export interface Judged {
  readonly draft: PlantedDraft;
  readonly parts: Said;
  readonly partsAndFinal: Said;
  readonly whole: Said;
}

/** How good one way to audit is, by what is known to be wrong. */
export interface Quality {
  /** Of the drafts with a fault those that were flagged. */
  readonly recall: Share | null;
  /** Of the flagged drafts those with a fault. It depends on how many have one, which here are more than in life. */
  readonly precision: Share | null;
  /** Of the drafts without a fault those that were flagged all the same. */
  readonly falseAlarms: Share | null;
  /** Of the drafts with a fault those where a line at most two away was named. */
  readonly atLine: Share | null;
  readonly byFault: Readonly<Record<Fault, { readonly found: number; readonly of: number }>>;
  readonly unclear: number;
}

export const WAYS = ["parts", "partsAndFinal", "whole"] as const;
export type Way = (typeof WAYS)[number];

export interface AgreementReport {
  readonly drafts: number;
  readonly faulty: number;
  readonly quality: Readonly<Record<Way, Quality>>;
  /** With the audit of the whole. */
  readonly with: Readonly<
    Record<
      Exclude<Way, "whole">,
      { readonly share: number | null; readonly kappa: number | null; readonly table: Agreement }
    >
  >;
}

/** A model counts lines badly, and a missing line has none. */
const NEAR_LINES = 2;

export function reportOf(judged: readonly Judged[]): AgreementReport {
  return {
    drafts: judged.length,
    faulty: judged.filter((it) => it.draft.fault !== null).length,
    quality: {
      parts: qualityOf(judged, "parts"),
      partsAndFinal: qualityOf(judged, "partsAndFinal"),
      whole: qualityOf(judged, "whole"),
    },
    with: { parts: compared(judged, "parts"), partsAndFinal: compared(judged, "partsAndFinal") },
  };
}

function qualityOf(judged: readonly Judged[], way: Way): Quality {
  const faulty = judged.filter((it) => it.draft.fault !== null);
  const clean = judged.filter((it) => it.draft.fault === null);
  const flagged = (list: readonly Judged[]) => list.filter((it) => it[way].isFlagged).length;
  const isAtLine = (it: Judged) =>
    it[way].lines.some((line) => Math.abs(line - (it.draft.fault?.line ?? Number.NaN)) <= NEAR_LINES);
  const faults = FAULTS.map((kind) => {
    const own = faulty.filter((it) => it.draft.fault?.kind === kind);
    return [kind, { found: flagged(own), of: own.length }] as const;
  });
  return {
    recall: wilson(flagged(faulty), faulty.length),
    precision: wilson(flagged(faulty), flagged(judged)),
    falseAlarms: wilson(flagged(clean), clean.length),
    atLine: wilson(faulty.filter(isAtLine).length, faulty.length),
    byFault: Object.fromEntries(faults) as Quality["byFault"],
    unclear: judged.reduce((sum, it) => sum + it[way].unclear, 0),
  };
}

function compared(judged: readonly Judged[], way: Exclude<Way, "whole">) {
  const count = (first: boolean, second: boolean) =>
    judged.filter((it) => it[way].isFlagged === first && it.whole.isFlagged === second).length;
  const table: Agreement = {
    bothYes: count(true, true),
    bothNo: count(false, false),
    onlyFirst: count(true, false),
    onlySecond: count(false, true),
  };
  return { share: agreementOf(table), kappa: cohensKappa(table), table };
}
