import type { Decision } from "../../protocol/decision.ts";
import { headerText } from "./headerText.ts";

/** Headers that name the decision, and what they say. */
export const DECISION_HEADERS = {
  "x-tandem-decision": "The decision's id, as the log and the journal know it",
  "x-tandem-engine": "The engine that answers",
  "x-tandem-model": "The model that answers",
  "x-tandem-device": "Where it runs: cpu, cuda:0, or an endpoint's host",
  "x-tandem-why": "Why this one",
} as const;

export function decisionHeaders(decision: Decision): Record<keyof typeof DECISION_HEADERS, string> {
  return {
    "x-tandem-decision": headerText(decision.id),
    "x-tandem-engine": headerText(decision.engine),
    "x-tandem-model": headerText(decision.model),
    "x-tandem-device": headerText(decision.device),
    "x-tandem-why": headerText(decision.why),
  };
}
