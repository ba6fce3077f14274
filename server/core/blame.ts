import type { ErrorData } from "../protocol/errors.ts";

/**
 * What a failure says of the engine that it came from.
 * - broken     it could not be reached, broke off, answered with a 5xx or not in time: its circuit breaker counts it
 * - unwilling  it works, and turns everybody down for now (a refused key, too many requests, no memory): routing prefers others
 * - nothing    it was the request's own fault, or nobody's (cancelled, ended for more urgent work, a server that is switched off)
 */
export type Blame = "broken" | "unwilling" | "nothing";

const TOO_MANY = 429;
/** A server that cannot do this at all (llama.cpp says so of vectors that it was not started for) does what it can. */
const NOT_IMPLEMENTED = 501;

export function blameOf({ code, details }: Pick<ErrorData, "code" | "details">): Blame {
  const { reason } = details ?? {};
  const status = typeof details?.status === "number" ? details.status : null;
  switch (code) {
    case "provider":
      // A turn that was ended for more urgent work.
      if (reason === "preempted") return "nothing";
      if (status === TOO_MANY) return "unwilling";
      return status === NOT_IMPLEMENTED || (status !== null && status >= 400 && status < 500) ? "nothing" : "broken";
    case "timeout":
      return "broken";
    case "not-configured":
      // A key that is refused is refused to everybody; a server that makes no vectors may write well.
      return status === 401 || status === 403 ? "unwilling" : "nothing";
    case "model-unavailable":
    case "no-memory":
    case "no-space":
      return "unwilling";
    case "bad-request":
    case "bad-input":
    case "context-length":
    case "disabled":
    case "unusable-draft":
    case "cancelled":
    case "shutting-down":
      return "nothing";
  }
}
