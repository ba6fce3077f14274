import { z } from "zod";
import { Decision } from "./decision.ts";
import { request } from "./define.ts";
import { ErrorCode } from "./errors.ts";
import { RouteRecord } from "./routing.ts";

/** How a request ended. `lost`: the orchestrator died or left before it did. `bug`: a failure that has no code. */
export const Outcome = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ok"), totalMs: z.number() }),
  z.object({ kind: z.literal("failed"), code: z.union([ErrorCode, z.literal("bug")]), totalMs: z.number() }),
  z.object({ kind: z.literal("lost") }),
]);
export type Outcome = z.output<typeof Outcome>;

/** A decision, and what became of it; null while its request runs. */
export const JournalEntry = Decision.extend({
  outcome: Outcome.nullable(),
  /** What it was made from, where that was asked for and is kept: of the newest ones, and where there was a choice. */
  input: RouteRecord.optional(),
});
export type JournalEntry = z.output<typeof JournalEntry>;

export const DecisionsParams = z.object({
  limit: z.int().min(1).max(500).default(50),
  /** The id of the oldest one that is known already. One that is not there any more has nothing older than itself either. */
  before: z.string().max(64).optional(),
  /** Only this one, with all that was known when it was made. */
  id: z.string().min(1).max(64).optional(),
  /** With all that was known, so that they can be replayed. */
  withInput: z.boolean().default(false),
});
export type DecisionsParams = z.output<typeof DecisionsParams>;
/** Which decisions are wanted, the newest first. */
export type DecisionPage = Pick<DecisionsParams, "limit"> & Partial<DecisionsParams>;

/** What was decided of late, the newest first, and how it ended: from the journal, which outlives the orchestrator. */
export const decisions = request({
  method: "tandem/decisions",
  params: DecisionsParams,
  event: z.object({}).strict(),
  result: z.object({ decisions: z.array(JournalEntry) }),
  afterLoss: "resend",
});
