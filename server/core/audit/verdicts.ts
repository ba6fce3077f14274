import type { Finding } from "../../protocol/run.ts";
import type { Verdict } from "../prompts/verdict.ts";

/** How far an audit came with a draft. */
export interface Judgement {
  readonly findings: readonly Finding[];
  /** All of the draft was judged. */
  readonly isComplete: boolean;
}

/** So many parts in a row must be wrong: one wrong part is what repair is for. */
const HOPELESS_PARTS = 2;
/** A draft that is nearly done costs less to finish than to write anew. */
const NEARLY_DONE = 0.6;

/**
 * The errors for which a draft is broken off; null: it goes on. It is hopeless when the newest parts are all wrong, as errors, while most of
 * it is still to be written.
 */
export function hopeless(verdicts: readonly Verdict[], shareWritten: number): Finding[] | null {
  if (shareWritten >= NEARLY_DONE || verdicts.length < HOPELESS_PARTS) return null;
  const newest = verdicts.slice(-HOPELESS_PARTS).flatMap((it) => (it.kind === "flag" ? [it.finding] : []));
  return newest.length === HOPELESS_PARTS && newest.every(isError) ? newest : null;
}

export function errorsOf(findings: readonly Finding[]): Finding[] {
  return findings.filter(isError);
}

/**
 * Whether a draft that was written anew after an audit is the better one. Both can be used as they are; the new one must have been judged
 * as far as the first one was, and have fewer errors by the same auditor's word. Otherwise the first one stays, which its user has seen.
 */
export function isBetter(repaired: Judgement, first: Judgement): boolean {
  if (first.isComplete && !repaired.isComplete) return false;
  return errorsOf(repaired.findings).length < errorsOf(first.findings).length;
}

/** Findings for a prompt or a sentence: "line 4: off by one; line 9: never closed". */
export function inWords(findings: readonly Finding[]): string {
  return findings.map((it) => `line ${it.line}: ${it.message}`).join("; ");
}

function isError({ severity }: Finding): boolean {
  return severity === "error";
}
