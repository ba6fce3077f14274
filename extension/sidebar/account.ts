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
    ...(it.backend ? [row("Runs in", [it.backend, it.address].filter(Boolean).join(", at "))] : []),
    ...(it.isCloud ? [row("Leaves this machine", "yes, to a provider in the cloud")] : []),
    row("When", new Date(it.atMs).toISOString()),
    row("Asked for", it.asked),
    ...(it.tier ? [row("Taken for", `${it.tier} task`)] : []),
    ...(it.estimatedMs === null ? [] : [row("Expected", `done in ${(it.estimatedMs / 1_000).toFixed(2)} s`)]),
    row("Outcome", outcomeOf(it)),
    ...it.fallbacks.map((seam) =>
      row("Went on", `at character ${seam.atCharacters} from ${seam.from} to ${seam.to}: ${seam.why}`),
    ),
    ...(it.client ? [row("Asked by", it.client)] : []),
    row("Request", it.method),
    row("Decision", it.id),
    "",
    ...compared(it),
  ].join("\n");
}

/** The terms of a cost, and what their columns are headed by; those that may be left out have a column where any candidate has them. */
const TERMS = [
  ["queueMs", "queue"],
  ["loadMs", "load"],
  ["prefillMs", "prefill"],
  ["decodeMs", "decode"],
  ["penaltyMs", "penalty"],
  ["contentionMs", "others"],
  ["unreliableMs", "unreliable"],
  ["thermalMs", "heat"],
  ["totalMs", "total"],
] as const;

/** Every candidate with every term of its cost, the best first. */
function compared({ candidates }: JournalEntry): readonly string[] {
  if (candidates.length === 0) return ["There was no choice: nothing was compared."];
  const terms = TERMS.filter(([term]) => candidates.some(({ cost }) => cost[term] !== undefined));
  const rows = candidates.map(({ model, device, cost, why }) => {
    const numbers = terms.map(([term]) => String(Math.round(cost[term] ?? 0)));
    return `| ${[name(model), name(device), ...numbers, plain(why)].join(" | ")} |`;
  });
  return [
    "## What was compared",
    "",
    "Expected time in milliseconds, term by term; of those that are meant for the task one that is done about first is chosen.",
    "",
    `| model | device | ${terms.map(([, it]) => it).join(" | ")} | why |`,
    `|---|---|${terms.map(() => "--:").join("|")}|---|`,
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
