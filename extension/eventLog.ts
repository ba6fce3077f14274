import type { RunEvent } from "../server/protocol/run.ts";

export interface LogLine {
  readonly level: "info" | "warn" | "debug";
  readonly text: string;
}

/** What the log keeps of an event: decisions and their reasons, never what was written; null for nothing. */
export function logLineOf(event: RunEvent): LogLine | null {
  switch (event.kind) {
    case "classified":
      return { level: "info", text: `classified as ${event.action} (${event.tier}): ${event.why}` };
    case "routed":
      return { level: "info", text: `routed to ${event.draft.model} on ${event.draft.device}: ${event.why}` };
    case "ready":
      return { level: "info", text: `ready: ${event.model.label} after ${Math.round(event.tookMs)} ms` };
    case "retry":
      return { level: "warn", text: `attempt ${event.attempt}: ${event.why}` };
    case "notice":
      return { level: "info", text: event.message };
    case "waiting":
    case "loading":
      return { level: "debug", text: `${event.kind}: ${event.engine}` };
    case "audited":
      return { level: "debug", text: `audited part ${event.part}: ${event.isOk ? "ok" : "flagged"}` };
    case "cloud":
      return { level: "info", text: `the request may be seen by ${event.host}, in the cloud` };
    case "seam":
      return { level: "warn", text: `${event.seam.to} goes on where ${event.seam.from} broke off: ${event.seam.why}` };
    case "downloading":
    case "drafted":
    case "critique":
    case "draft":
    case "finding":
      return null;
  }
}
