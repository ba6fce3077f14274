import { z } from "zod";
import { request } from "./define.ts";

/**
 * The circuit breaker of one engine. `closed`: requests go through. `open`: it failed repeatedly and gets none until `retryInMs` has passed.
 * `half-open`: one request is let through to see whether it works again.
 */
export const BreakerView = z.object({
  state: z.enum(["closed", "open", "half-open"]),
  /** Until it is tried again; null unless open. */
  retryInMs: z.number().nullable(),
  /** The last failure, for people; null while closed. */
  why: z.string().nullable(),
});
export type BreakerView = z.output<typeof BreakerView>;

/**
 * Where an answer went on at another engine: everything before `atCharacters` (of the text since the last `retry`) is the first one's.
 * Nothing is lost or doubled there, but style and thought may break.
 */
export const Seam = z.object({
  atCharacters: z.int().min(0),
  from: z.string(),
  to: z.string(),
  why: z.string(),
  /** The other engine is in the cloud; left out: it is not, or that was not told. */
  isCloud: z.boolean().exactOptional(),
});
export type Seam = z.output<typeof Seam>;

const Nothing = z.object({}).strict();

/**
 * Ends the audit of this client's run with that `ticket` now: the run answers at once with the draft and what was found so far. While the
 * draft is still being written it takes effect when that is done. `isFound` false: there is no such run any more.
 */
export const acceptNow = request({
  method: "tandem/run/accept",
  params: z.object({ ticket: z.string().min(1).max(64) }),
  event: Nothing,
  result: z.object({ isFound: z.boolean() }),
  afterLoss: "never",
});

/** Closes an engine's circuit breaker by hand: by its handle, this client's name for it, or its model's; all of them when left out. */
export const resetBreaker = request({
  method: "tandem/engines/reset",
  params: z.object({ engine: z.string().max(1_000).optional() }),
  event: Nothing,
  /** Engines whose breaker was not closed before. */
  result: z.object({ reset: z.array(z.string()) }),
  afterLoss: "resend",
});
