import type { Rates } from "../server/auditRig.ts";

/** The source document's: a draft of 19.25 s, 4 s of audit, 0.3 s for each verdict. */
export const SOURCE: Rates = { draft: 19.25, audit: 4, fixed: 0.3, lines: 100 };

/** Ten others: auditors that are faster and slower than the drafter, verdicts that cost nothing and much, short drafts and long ones. */
export const PAIRS: readonly (readonly [name: string, Rates])[] = [
  ["verdicts cost nothing", { draft: 19.25, audit: 4, fixed: 0.02, lines: 100 }],
  ["verdicts cost much", { draft: 19.25, audit: 4, fixed: 2, lines: 100 }],
  ["as fast as each other", { draft: 12, audit: 12, fixed: 0.3, lines: 80 }],
  ["audit twice as slow", { draft: 8, audit: 16, fixed: 0.3, lines: 80 }],
  ["audit five times as slow", { draft: 5, audit: 25, fixed: 0.5, lines: 80 }],
  ["slow audit, dear verdicts", { draft: 10, audit: 14, fixed: 1.5, lines: 80 }],
  ["a long draft", { draft: 60, audit: 6, fixed: 0.4, lines: 400 }],
  ["nearly as slow", { draft: 20, audit: 15, fixed: 0.2, lines: 120 }],
  ["a short draft", { draft: 4, audit: 1, fixed: 0.2, lines: 30 }],
  ["short and slow", { draft: 6, audit: 9, fixed: 0.3, lines: 40 }],
];
