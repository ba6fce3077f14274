import { decisions, type JournalEntry } from "../protocol/decisions.ts";
import type { Client } from "./client.ts";
import type { Out } from "./printer.ts";
import { align } from "./table.ts";
import { seconds } from "./wording.ts";

export interface DecisionsShown {
  readonly out: Out;
  /** One JSON value a line instead of the table. */
  readonly isJson: boolean;
  readonly limit: number;
  /** With all that each was made from; only as JSON. */
  readonly withInput?: boolean;
}

const HEAD = ["when", "asked by", "action", "tier", "model on device", "took", "ended", "why"];

/** What was decided of late, the newest last. */
export async function showDecisions(client: Client, shown: DecisionsShown, signal: AbortSignal): Promise<void> {
  const { out, isJson, limit, withInput = false } = shown;
  const answer = await client.send(decisions, { limit, withInput }, () => undefined, signal);
  const entries = answer.decisions.toReversed();
  if (isJson) for (const entry of entries) out.write(`${JSON.stringify(entry)}\n`);
  else if (entries.length === 0) out.write("Nothing was decided yet.\n");
  else for (const line of align([HEAD, ...entries.map(cells)])) out.write(`${line}\n`);
}

function cells(entry: JournalEntry): string[] {
  const { atMs, client, action, method, tier, model, device, why } = entry;
  return [
    timeText(atMs),
    client ?? "-",
    action ?? method.split("/").at(-1) ?? "-",
    tier ?? "-",
    `${model} on ${device}`,
    ...endText(entry.outcome),
    why,
  ];
}

/** How long it took, and how it ended. */
export function endText(outcome: JournalEntry["outcome"]): [string, string] {
  switch (outcome?.kind) {
    case undefined:
      return ["", "still runs"];
    case "ok":
      return [seconds(outcome.totalMs), "ok"];
    case "failed":
      return [seconds(outcome.totalMs), outcome.code];
    case "lost":
      return ["", "lost with its orchestrator"];
  }
}

/** By the clock on the wall here, as `2026-01-31 09:05:00`. */
export function timeText(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}
