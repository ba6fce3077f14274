import type { EvalLanguage } from "./task.ts";

/**
 * Ways to work on the same tasks. `draft`: as this user's requests go, without audit. `audit`: the same, audited while it is written, and
 * written once more with the findings where there are errors. `large`, `small`: one of the two models alone, whatever routing says.
 */
export const EVAL_MODES = ["draft", "audit", "large", "small"] as const;
export type EvalMode = (typeof EVAL_MODES)[number];

/** What came of one task in one mode. */
export interface Outcome {
  readonly task: string;
  readonly language: EvalLanguage;
  readonly mode: EvalMode;
  /**
   * `passed`, `failed`: the tests say so. `no-draft`: no usable draft came, which is no better for a user. `error`: an engine failed, which
   * says nothing about the mode; it counts neither way.
   */
  readonly kind: "passed" | "failed" | "no-draft" | "error";
  /** What the tests or the failure said; null when passed. */
  readonly why: string | null;
  /** Of the whole task without its tests. */
  readonly ms: number;
  readonly drafter: string | null;
  readonly auditor: string | null;
  /** Lines that the audit flagged in the draft that was kept. */
  readonly findings: number;
  /** Drafts written once more after an audit. */
  readonly repairs: number;
  /** As in `Timing`; null without an audit. */
  readonly overlap: number | null;
  /** Host in the cloud that saw it. */
  readonly cloud: string | null;
}
