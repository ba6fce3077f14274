import { readFile } from "node:fs/promises";
import { DEFAULT_POLICY, type RoutePolicy } from "../core/route/policy.ts";
import { type Replayed, replay } from "../core/route/replay.ts";
import { TandemError } from "../errors.ts";
import { decisions, JournalEntry } from "../protocol/decisions.ts";
import type { RouteRecord } from "../protocol/routing.ts";
import type { Client } from "./client.ts";
import { timeText } from "./decisions.ts";
import type { Out } from "./printer.ts";
import { align } from "./table.ts";
import { seconds } from "./wording.ts";

/** Which decisions are to be made again, and by what. */
export interface Replaying {
  readonly limit: number;
  readonly policy: RoutePolicy;
  /** What of the policy is otherwise. */
  readonly changed: readonly string[];
  /** Decisions as `tandem decisions --inputs` prints them; null: those that are kept. */
  readonly file: string | null;
}

interface Flags {
  readonly limit?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly file?: string | undefined;
}

/** All whose input is kept. */
const MOST = 2_000;
/** With their inputs these are two megabytes at most. */
const PAGE = 60;

/** Throws TandemError bad-input. */
export function toReplaying({ limit, set = [], file }: Flags): Replaying {
  const wanted = Number(limit ?? MOST);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST)
    throw new TandemError("bad-input", `--limit ${limit} is no number of decisions`, `Give one from 1 to ${MOST}`);
  const changes = set.map(toChange);
  const policy = { ...DEFAULT_POLICY, ...Object.fromEntries(changes) };
  return { limit: wanted, policy, changed: set, file: file ?? null };
}

function toChange(text: string): [string, number] {
  const [name = "", value = "", ...more] = text.split("=");
  const names = Object.keys(DEFAULT_POLICY);
  const number = Number(value);
  if (names.includes(name) && value.trim() !== "" && Number.isFinite(number) && number >= 0 && more.length === 0)
    return [name, number];
  throw new TandemError(
    "bad-input",
    names.includes(name)
      ? `--set ${text}: ${name} takes a number, 0 at least`
      : `--set ${text}: the policy has no "${name}"`,
    `Give one as --set penaltyMs=0; there are: ${Object.entries(DEFAULT_POLICY)
      .map(([it, now]) => `${it} (${now})`)
      .join(", ")}`,
  );
}

type Stored = JournalEntry & { readonly input: RouteRecord };

/** What the policy of now, or another, would make of what was known then. Nothing is loaded or asked. */
export async function showReplay(
  replaying: Replaying,
  { client, out, isJson }: { readonly client: () => Promise<Client>; readonly out: Out; readonly isJson: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { file, limit, policy, changed } = replaying;
  const stored =
    file === null ? await kept(await client(), limit, signal) : (await readStored(file, signal)).slice(0, limit);
  const again = stored.map((it) => ({ entry: it, replayed: replay(it.input, policy) }));
  const others = again.filter(({ replayed }) => !replayed.isSame);
  if (isJson) {
    for (const { entry, replayed } of again) out.write(`${JSON.stringify({ id: entry.id, ...replayed })}\n`);
    return;
  }
  if (others.length > 0) out.write(`${align([HEAD, ...others.map(cells)]).join("\n")}\n\n`);
  const by = changed.length === 0 ? "today's policy" : `today's policy with ${changed.join(", ")}`;
  out.write(
    `${summary(
      others.map(({ replayed }) => replayed),
      again.length,
      by,
    )}\n`,
  );
}

const HEAD = ["when", "decision", "drafted then", "would draft now", "audited then", "would audit now", "done"];

function cells({ entry, replayed }: { readonly entry: Stored; readonly replayed: Replayed }): string[] {
  const { before, after, gainMs } = replayed;
  const done = gainMs === null ? "" : gainMs >= 0 ? `${seconds(gainMs)} sooner` : `${seconds(-gainMs)} later`;
  const audits = [before.audit ?? "-", after?.audit ?? "-"];
  return [timeText(entry.atMs), entry.id, before.draft, after?.draft ?? "nobody", ...audits, done];
}

function summary(others: readonly Replayed[], all: number, by: string): string {
  if (all === 0) return "No decision is kept that there was a choice in: ask for something first.";
  const gains = others.flatMap(({ gainMs }) => (gainMs === null ? [] : [gainMs]));
  const sum = gains.reduce((total, ms) => total + ms, 0);
  const decided = `${all} decision${all === 1 ? "" : "s"} made again by ${by}`;
  if (others.length === 0) return `${decided}: all the same.`;
  const mean =
    gains.length === 0
      ? ""
      : `, ${seconds(Math.abs(sum / gains.length))} ${sum >= 0 ? "sooner" : "later"} on average by its own reckoning`;
  return `${decided}: ${others.length} would go elsewhere${mean}.`;
}

/** The newest ones first, page by page. */
async function kept(client: Client, limit: number, signal: AbortSignal): Promise<Stored[]> {
  const found: Stored[] = [];
  let before: string | undefined;
  for (;;) {
    const asked = { limit: PAGE, withInput: true, ...(before === undefined ? {} : { before }) };
    const { decisions: page } = await client.send(decisions, asked, () => undefined, signal);
    found.push(...page.filter(hasInput));
    before = page.at(-1)?.id;
    if (before === undefined || found.length >= limit) return found.slice(0, limit);
  }
}

function hasInput(entry: JournalEntry): entry is Stored {
  return entry.input !== undefined;
}

async function readStored(file: string, signal: AbortSignal): Promise<Stored[]> {
  const text = await readFile(file, { encoding: "utf8", signal }).catch((cause: unknown) => {
    throw new TandemError(
      "bad-input",
      `${file} cannot be read`,
      "Name a file that `tandem decisions --inputs` has written",
      { cause },
    );
  });
  const lines = text.split("\n").filter((it) => it.trim() !== "");
  return lines.map(toEntry).filter(hasInput);
}

function toEntry(line: string, at: number): JournalEntry {
  try {
    return JournalEntry.parse(JSON.parse(line));
  } catch (cause) {
    const message = `Line ${at + 1} is no decision`;
    throw new TandemError("bad-input", message, "Give lines as `tandem decisions --inputs` prints them", { cause });
  }
}
