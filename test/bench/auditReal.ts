import { languageFacts } from "../../server/core/language.ts";
import type { DraftJob } from "../../server/core/prompt.ts";
import type { Engine } from "../../server/ports.ts";
import type { Timing } from "../../server/protocol/run.ts";
import { carriedBy } from "../../server/tasks/carried.ts";
import { draftAndAudit } from "../../server/tasks/draftAndAudit.ts";
import { timing } from "../../server/tasks/timing.ts";
import { openTiny } from "../engine/open.ts";
import { turnOn } from "../server/auditRig.ts";

const ROUNDS = 2;
const DRAFT_TOKENS = 100;
const never = new AbortController().signal;
const clock = { nowMs: () => performance.now() };

const PROMPT = `/** The largest of the values. */
export function largest(values: readonly number[]): number {
  let found = values[0];
  for (const value of values) {
    if (value > found) found = value;
  }
  return found;
}

/** How many of the words are longer than the limit. */
export function countLonger(words: readonly string[], limit: number): number {
  let count = 0;
  for (const word of words) {
    if (word.length > limit) count++;
  }
  return count;
}

/** The mean, the largest and the smallest of the values, as one line of text. */
export function describe(values: readonly number[]): string {
`;

/** The trial model twice, a process and a thread each: side by side, and one after the other, in turn, each time with nothing read yet. */
export async function realTable(): Promise<string> {
  await using drafter = await openTiny({ contextTokens: 2_048 });
  await using auditor = await openTiny({ contextTokens: 2_048 });
  const [beside, after]: [Timing[], Timing[]] = [[], []];
  await measure(drafter, auditor, "beside"); // both read their weights
  for (let round = 0; round < ROUNDS; round++) {
    beside.push(await measure(drafter, auditor, "beside"));
    after.push(await measure(drafter, auditor, "after"));
  }
  const rows = [
    `Two real engines here (${drafter.model.label} twice, one thread each), ${DRAFT_TOKENS} tokens of draft, medians of ${ROUNDS} rounds in turn; seconds`,
    line("", "T", "D busy", "A busy", "overlap"),
    line("side by side", ...figures(beside)),
    line("one after the other", ...figures(after)),
  ];
  const gain = median(after.map((it) => it.workMs)) / median(beside.map((it) => it.workMs));
  return [...rows, `side by side is ${gain.toFixed(2)} times as fast`].join("\n");
}

async function measure(drafter: Engine, auditor: Engine, when: "beside" | "after"): Promise<Timing> {
  // What was read in the round before would make the second of two equal rounds look fast.
  for (const it of [drafter, auditor]) await it.trim?.(never);
  const turn = turnOn(auditor);
  const auditing = {
    lease: turn,
    isShared: when === "after",
    carried: carriedBy(turn, clock),
    [Symbol.dispose]: () => undefined,
  };
  const job: DraftJob = {
    ...{ kind: "job", prompt: { kind: "text", text: PROMPT }, stop: [], maxTokens: DRAFT_TOKENS, repeatPenalty: 1.05 },
    ...{ extraction: { kind: "prose" }, lead: "", tail: "", place: null, brief: "Implement describe." },
  };
  const speeds = { draftPerSecond: 18, readPerSecond: 80, verdictPerSecond: 18 };
  const worked = await draftAndAudit(
    {
      ...{ action: "implement", job, facts: languageFacts("typescript"), isParsed: false },
      sampling: { temperature: 0, topP: 1, seed: 1 },
      drafter: carriedBy(turnOn(drafter), clock),
      auditor: Promise.resolve(auditing),
      onDrafted: () => undefined,
      inspect: async () => ({ kind: "usable", edit: null }),
      speeds: () => speeds,
      onHopeless: "go on",
      ending: { accepted: never, auditSeconds: 300 },
      ...{ clock, emit: () => undefined },
    },
    never,
  );
  if (worked.auditProblem !== null) throw new Error(worked.auditProblem);
  const marks = { startedMs: 0, classifiedMs: 0, routedMs: 0, acquiredMs: 0, endedMs: worked.workMs, hasLoaded: false };
  return timing(marks, [worked]);
}

function figures(all: readonly Timing[]): string[] {
  const busy = (use: Timing["audit"]) => (use ? use.prefillMs + use.decodeMs : 0) / 1_000;
  return [
    median(all.map((it) => it.workMs / 1_000)),
    median(all.map((it) => busy(it.draft))),
    median(all.map((it) => busy(it.audit))),
    median(all.map((it) => it.overlap ?? 0)),
  ].map((it) => it.toFixed(2));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function line(...cells: readonly string[]): string {
  return cells.map((it, at) => (at === 0 ? it.padEnd(24) : it.padStart(10))).join("");
}
