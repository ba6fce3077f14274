import type { JournalEntry } from "../../server/protocol/decisions.ts";

/** A decision as Markdown: what was asked, what was compared, what was chosen and why, and what became of it. */
export function accountOf(it: JournalEntry): string {
  const what = it.action ?? it.method;
  return [
    `# Decision: ${plain(what)}`,
    "",
    `${plain(it.why)}.`.replace(/\.\.$/, "."),
    "",
    "| | |",
    "|---|---|",
    `| Answered by | ${it.model === it.device ? name(it.model) : `${name(it.model)} on ${name(it.device)}`} |`,
    row("When", new Date(it.atMs).toISOString()),
    row("Asked for", it.asked),
    ...(it.tier ? [row("Taken for", `${it.tier} task`)] : []),
    row("Outcome", outcomeOf(it)),
    ...(it.client ? [row("Asked by", it.client)] : []),
    row("Request", it.method),
    row("Decision", it.id),
    "",
    ...compared(it),
  ].join("\n");
}

/** Every candidate with every term of its cost, the cheapest first. */
function compared({ candidates }: JournalEntry): readonly string[] {
  if (candidates.length === 0) return ["There was no choice: nothing was compared."];
  const rows = candidates.map(({ model, device, cost, why }) => {
    const terms = [cost.queueMs, cost.loadMs, cost.prefillMs, cost.decodeMs, cost.penaltyMs, cost.totalMs];
    return `| ${[name(model), name(device), ...terms.map((ms) => String(Math.round(ms))), plain(why)].join(" | ")} |`;
  });
  return [
    "## What was compared",
    "",
    "Expected time in milliseconds, term by term; the cheapest is chosen.",
    "",
    "| model | device | queue | load | prefill | decode | penalty | total | why |",
    "|---|---|--:|--:|--:|--:|--:|--:|---|",
    ...rows,
  ];
}

function row(what: string, value: string): string {
  return `| ${what} | ${plain(value)} |`;
}

/** As it is: an address in it is no link. */
function name(text: string): string {
  return `\`${text
    .replace(/[\r\n]+/g, " ")
    .replaceAll("`", "'")
    .replaceAll("|", "\\|")}\``;
}

function outcomeOf({ outcome }: JournalEntry): string {
  switch (outcome?.kind) {
    case undefined:
      return "it runs";
    case "ok":
      return `done in ${(outcome.totalMs / 1_000).toFixed(2)} s`;
    case "failed":
      return `failed after ${(outcome.totalMs / 1_000).toFixed(2)} s: ${outcome.code}`;
    case "lost":
      return "lost: the orchestrator ended before it did";
  }
}

/** Names come from servers and files: none of them is markup. */
function plain(text: string): string {
  return text.replace(/[\r\n]+/g, " ").replace(/[\\`*_{}[\]<>#|~$!&]/g, "\\$&");
}
