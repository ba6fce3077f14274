import { z } from "zod";
import { request } from "./define.ts";
import { EngineUse, Finding, RunEvent } from "./run.ts";

/** Characters that one audit reads at most; what is longer no model here reads. */
const MOST_DRAFT = 200_000;

/**
 * Has a text audited that is there already, by the engine that audits drafts and in the same way: `parts` as while a draft is written, with
 * the final pass over all of it; `whole` at once. Events are `waiting`, `loading`, `audited`, `finding`, `critique`. An auditor in the
 * cloud is not asked.
 */
export const auditText = request({
  method: "tandem/audit",
  params: z.object({
    /** What the text was to be. */
    brief: z.string().min(1).max(20_000),
    languageId: z.string().min(1).max(100),
    text: z.string().min(1).max(MOST_DRAFT),
    /** The code before it. */
    context: z.string().max(MOST_DRAFT).default(""),
    as: z.enum(["parts", "whole"]).default("parts"),
    /** Findings that are explained at length. */
    critiques: z.int().min(0).max(3).default(3),
  }),
  event: RunEvent,
  result: z.object({
    findings: z.array(Finding),
    parts: z.int(),
    /** Parts whose verdict could not be read. */
    unclear: z.int(),
    /** Verdict on the whole; null: it could not be read. */
    finalPass: z.enum(["ok", "flag"]).nullable(),
    use: EngineUse,
  }),
  afterLoss: "resend",
});
