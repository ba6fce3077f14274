import type { Seam } from "../server/protocol/traffic.ts";
import type { ToView } from "./messages.ts";

/** What the view shows; a plain value, so that it survives being hidden. */
export interface AnswerState {
  readonly title: string;
  readonly question: string;
  /** Name of the file the answer is about. */
  readonly source: string | null;
  readonly markdown: string;
  readonly progress: string;
  readonly phase: "empty" | "streaming" | "done" | "failed";
  readonly footer: string;
  readonly notes: readonly string[];
  /** Where other engines went on. A view of an earlier version left none behind. */
  readonly seams?: readonly Seam[];
  /** Hosts in the cloud that may have seen the request; null: none. */
  readonly cloud: string | null;
}

export const empty: AnswerState = {
  title: "",
  question: "",
  source: null,
  markdown: "",
  progress: "",
  phase: "empty",
  footer: "",
  notes: [],
  cloud: null,
};

/** The state after one more message. */
export function reduce(state: AnswerState, message: ToView): AnswerState {
  switch (message.kind) {
    case "begin": {
      const { title, question, source } = message;
      return { ...empty, title, question, source, phase: "streaming", progress: "starting" };
    }
    case "progress":
      return state.phase === "streaming" ? { ...state, progress: message.message } : state;
    case "more":
      return { ...state, markdown: state.markdown + message.text };
    case "cloud":
      return { ...state, cloud: withHost(state.cloud, message.host) };
    case "again":
      return { ...state, markdown: "", seams: [] };
    case "seam":
      return { ...state, seams: [...(state.seams ?? []), message.seam] };
    case "end":
      return {
        ...state,
        markdown: message.markdown,
        phase: "done",
        progress: "",
        footer: footerOf(message),
        cloud: message.cloud,
        seams: message.seams,
        notes: [...message.findings.map((it) => `Line ${it.line}: ${it.message} (${it.source})`), ...message.notices],
      };
    case "failed":
      return { ...state, phase: "failed", progress: "", notes: [message.message, message.nextStep] };
    case "replay":
      return message.messages.reduce(reduce, empty);
  }
}

function withHost(hosts: string | null, host: string): string {
  if (hosts === null) return host;
  return hosts.split(", ").includes(host) ? hosts : `${hosts}, ${host}`;
}

function footerOf({ use, totalMs }: Extract<ToView, { kind: "end" }>): string {
  const parts = [use.model.label, use.device];
  if (use.tokensPerSecond !== null) parts.push(`${use.tokensPerSecond.toFixed(1)} tokens/s`);
  parts.push(`${use.completionTokens} tokens`, `${(totalMs / 1_000).toFixed(1)} s`);
  return parts.join(" · ");
}
