import type { Decision } from "../../protocol/decision.ts";
import { headerText } from "./headerText.ts";

/** Headers that name the decision, and what they say. */
export const DECISION_HEADERS = {
  "x-tandem-decision": "The decision's id, as the log and the journal know it",
  "x-tandem-engine": "The engine that answers",
  "x-tandem-model": "The model that answers",
  "x-tandem-device": "Where it runs: cpu, cuda:0, or an endpoint's host",
  "x-tandem-why": "Why this one",
  "x-tandem-cloud":
    "Host of a provider in the cloud that sees the request; absent: it stays with servers of the user's own",
} as const;

export function decisionHeaders(decision: Decision): Partial<Record<keyof typeof DECISION_HEADERS, string>> {
  return {
    "x-tandem-decision": headerText(decision.id),
    "x-tandem-engine": headerText(decision.engine),
    "x-tandem-model": headerText(decision.model),
    "x-tandem-device": headerText(decision.device),
    "x-tandem-why": headerText([decision.taken, decision.why].filter((it) => it !== "").join("; ")),
    ...(decision.isCloud ? { "x-tandem-cloud": headerText(decision.address ?? decision.device) } : {}),
  };
}
