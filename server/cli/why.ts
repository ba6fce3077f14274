import { type Explained, explain } from "../core/route/explain.ts";
import { DEFAULT_POLICY } from "../core/route/policy.ts";
import { replay } from "../core/route/replay.ts";
import { TandemError } from "../errors.ts";
import { decisions, type JournalEntry } from "../protocol/decisions.ts";
import type { RouteCandidate, RouteCost } from "../protocol/run.ts";
import type { Client } from "./client.ts";
import { endText, timeText } from "./decisions.ts";
import type { Out } from "./printer.ts";
import { align, folded } from "./table.ts";
import { seconds } from "./wording.ts";

export interface WhyShown {
  /** Null: the newest. */
  readonly id: string | null;
  readonly out: Out;
  readonly isJson: boolean;
}

/** Throws TandemError bad-input. */
export function toWhy(words: readonly string[]): string | null {
  const [id = null, ...more] = words;
  if (more.length === 0) return id;
  throw new TandemError(
    "bad-input",
    "`why` takes one decision",
    "`tandem why`, or `tandem why ID` with one of `tandem decisions --json`",
  );
}

/** One decision: what was compared, why it went where it went, what would have changed that, and what became of it. */
export async function showWhy(client: Client, { id, out, isJson }: WhyShown, signal: AbortSignal): Promise<void> {
  const asked = id === null ? { limit: 1, withInput: true } : { limit: 1, id };
  const { decisions: found } = await client.send(decisions, asked, () => undefined, signal);
  const [entry] = found;
  if (!entry && id === null) return void out.write(isJson ? "null\n" : "Nothing was decided yet.\n");
  if (!entry)
    throw new TandemError(
      "bad-input",
      `There is no decision ${id}`,
      "`tandem decisions --json` has the ids of those that are kept",
    );
  const told = entry.input ? explain(entry.input, DEFAULT_POLICY) : null;
  if (isJson) out.write(`${JSON.stringify({ ...entry, explained: told && brief(told) })}\n`);
  else out.write(`${whyLines(entry, told, out.columns ?? MOST_COLUMNS).join("\n")}\n`);
}

/** Longer lines of words are hard to read. */
const MOST_COLUMNS = 110;

function brief({ runnerUp, behindMs, wouldWinIf }: Explained) {
  return { runnerUp: runnerUp?.engine ?? null, behindMs, wouldWinIf };
}

/** The account of one decision, for people. */
function whyLines(entry: JournalEntry, told: Explained | null, columns: number): string[] {
  const rows = [
    ["decision", `${entry.id}, ${timeText(entry.atMs)}, ${entry.method}${entry.client ? ` for ${entry.client}` : ""}`],
    ...(entry.after ? [["after", `${entry.after}, whose engine failed`]] : []),
    ...takenFor(entry),
    ["went to", whereText(entry)],
    ["because", entry.why],
    ["became", becameText(entry)],
    ...entry.fallbacks.map((it) => [
      "went on",
      `at character ${it.atCharacters} from ${it.from} to ${it.to}: ${it.why}`,
    ]),
  ];
  return [
    ...rows.flatMap(([name = "", text = ""]) => labelled(name, text, columns)),
    "",
    ...comparedLines(entry),
    ...(told ? ["", ...toldLines(entry, told, columns)] : []),
  ];
}

const LABEL = 10;

function labelled(name: string, text: string, columns: number): string[] {
  return folded(text, columns - LABEL).map((line, at) => `${(at === 0 ? name : "").padEnd(LABEL)}${line}`.trimEnd());
}

function takenFor({ asked, action, tier, confidence }: JournalEntry): string[][] {
  if (tier === null) return [["asked for", asked]];
  const sure =
    confidence === null
      ? ""
      : confidence === 1
        ? ", as a command or a rule says"
        : `, ${Math.round(100 * confidence)} % sure`;
  return [["taken for", `${action ?? "text to be continued"}, ${tier}${sure}`]];
}

function whereText({ model, device, backend, address, isCloud, estimatedMs }: JournalEntry): string {
  const where = [address, backend].filter((it) => it !== null && !device.includes(it)).join(", ");
  const expected = estimatedMs === null ? "" : `, expected to be done in ${seconds(estimatedMs)}`;
  return `${placeText({ model, device })}${where === "" ? "" : ` (${where})`}${isCloud ? ", in the cloud" : ""}${expected}`;
}

function placeText({ model, device }: { readonly model: string; readonly device: string }): string {
  return model === device ? device : `${model} on ${device}`;
}

/** How it ended, beside what was expected. */
function becameText(entry: JournalEntry): string {
  const [took, ended] = endText(entry.outcome);
  const { outcome, estimatedMs } = entry;
  const text = [ended, took].filter((it) => it !== "").join(", ");
  if (outcome?.kind !== "ok" || !estimatedMs) return text;
  const share = outcome.totalMs / estimatedMs;
  if (share >= 0.8 && share <= 1.25) return `${text}: about as expected`;
  if (share < 0.8) return `${text}: ${Math.round(100 * share)} % of what was expected`;
  return `${text}: ${share.toFixed(share < 10 ? 1 : 0)} times what was expected of the writing engine`;
}

/** The terms of a cost that a table has a column for, with what it is headed by. */
const TERMS: readonly (readonly [keyof RouteCost, string])[] = [
  ["queueMs", "queue"],
  ["loadMs", "load"],
  ["prefillMs", "prefill"],
  ["decodeMs", "decode"],
  ["contentionMs", "others"],
  ["penaltyMs", "failures"],
  ["unreliableMs", "unreliable"],
  ["thermalMs", "heat"],
  ["totalMs", "total"],
];

function comparedLines({ candidates, engine }: JournalEntry): string[] {
  if (candidates.length === 0) return ["There was no choice: nothing was compared."];
  const terms = TERMS.filter(([term]) => term === "totalMs" || candidates.some((it) => (it.cost[term] ?? 0) > 0));
  const head = ["", "engine", "model on device", "stands", ...terms.map(([, name]) => name), "and"];
  const row = (it: RouteCandidate) => [
    it.engine === engine ? ">" : "",
    it.engine,
    placeText(it),
    it.standing ?? "",
    ...terms.map(([term]) => seconds(it.cost[term] ?? 0)),
    it.why.split(", ").slice(1).join(", "),
  ];
  return align([head, ...candidates.map(row)]);
}

function toldLines({ input, engine }: JournalEntry, told: Explained, columns: number): string[] {
  const { runnerUp, behindMs, wouldWinIf } = told;
  if (!runnerUp) return ["There was no other engine that could have done it."];
  const late =
    behindMs === null || behindMs >= 0
      ? `${seconds(behindMs ?? 0)} later`
      : `${seconds(-behindMs)} sooner, but it stands less well to the task`;
  const lines = folded(`The runner-up, ${placeText(runnerUp)}, would have been done ${late}.`, columns);
  const ifs = wouldWinIf.flatMap((it) => folded(`- ${it}`, columns - 2).map((line) => `  ${line}`));
  const now = input && replay(input, DEFAULT_POLICY);
  const again =
    now && !now.isSame
      ? [`By today's policy it would go to ${now.after?.draft ?? "nobody"} instead of ${engine}.`]
      : [];
  if (ifs.length === 0) return [...lines, "No single change would have made it win.", ...again];
  return [...lines, "It would have won if", ...ifs, ...again];
}
