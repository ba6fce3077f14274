import type { ClientStatus } from "../server/protocol/status.ts";

type Kind = ClientStatus["kind"];

const NAMES: Readonly<Record<Kind, string>> = { vscode: "window", cli: "command line", editor: "editor" };

/** The clients besides this window, in words: "2 other windows and 1 command line"; "" for none. */
export function othersIn(clients: readonly ClientStatus[]): string {
  const groups = Map.groupBy(
    clients.filter((it) => !it.isYou),
    (it) => it.kind,
  );
  const kinds: readonly Kind[] = ["vscode", "cli", "editor"];
  const parts = kinds.flatMap((kind) => {
    const found = groups.get(kind)?.length ?? 0;
    return found === 0 ? [] : [count(found, kind === "vscode" ? `other ${NAMES[kind]}` : NAMES[kind])];
  });
  return listOf(parts);
}

/** "one, two and three" */
export function listOf(parts: readonly string[]): string {
  const last = parts.at(-1) ?? "";
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(", ")} and ${last}`;
}

/** "1 request", "2 requests" */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
