import type { ToView } from "../webview/messages.ts";

/** What has to be told again to a view that was hidden: one answer's messages, with pieces of text joined. */
export function remember(history: readonly ToView[], message: ToView): readonly ToView[] {
  const last = history.at(-1);
  switch (message.kind) {
    case "begin":
      return [message];
    case "replay":
      return history;
    case "more":
      return last?.kind === "more"
        ? [...history.slice(0, -1), { kind: "more", text: last.text + message.text }]
        : [...history, message];
    case "progress":
      return [...history.filter((it) => it.kind !== "progress"), message];
    case "cloud":
      return [...history.filter((it) => it.kind !== "cloud" || it.host !== message.host), message];
    case "again":
    case "end":
      return [...history.filter((it) => it.kind === "begin" || it.kind === "cloud"), message];
    case "seam":
      return [...history, message];
    case "failed":
      return [...history.filter((it) => it.kind !== "progress"), message];
  }
}
