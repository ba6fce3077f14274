import { join } from "node:path";
import { evalsFolder } from "../assets.ts";
import {
  type AgreementReport,
  type Judged,
  type Quality,
  reportOf,
  type Said,
  type Way,
} from "../core/eval/agreement.ts";
import { ordered } from "../core/eval/plan.ts";
import { FAULTS, type PlantedDraft } from "../core/eval/planted.ts";
import type { Share } from "../core/statistics.ts";
import { readPlantedDrafts } from "../eval/tasks.ts";
import { auditText } from "../protocol/audit.ts";
import type { ResultOf } from "../protocol/define.ts";
import type { RunEvent } from "../protocol/run.ts";
import type { Client } from "./client.ts";
import type { EvalAsked } from "./evalOptions.ts";
import type { Out, Printer } from "./printer.ts";
import { align } from "./table.ts";

/** Has one draft audited; what a client does, wherever its orchestrator is. */
export type Audit = Pick<Client, "send">["send"];

/** Drafts with and without planted faults, each audited in both ways. Hears of each when it is done. */
export async function judgeAll(
  drafts: readonly PlantedDraft[],
  { send, onJudged }: { readonly send: Audit; readonly onJudged?: (judged: Judged) => void },
  signal: AbortSignal,
): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const draft of drafts) {
    const both = await judgeOne(draft, send, signal);
    judged.push(both);
    onJudged?.(both);
  }
  return judged;
}

export async function plantedDrafts(): Promise<PlantedDraft[]> {
  return readPlantedDrafts(join(evalsFolder(), "planted"));
}

/** Asks the user's auditor about the planted drafts. Resolves to the exit code; who stops it sees what there is. */
export async function showAgreement(
  { limit, seed }: Extract<EvalAsked, { kind: "agreement" }>,
  {
    client,
    out,
    isJson,
  }: { readonly client: Client; readonly out: Out; readonly printer: Printer; readonly isJson: boolean },
  signal: AbortSignal,
): Promise<number> {
  const all = ordered(await plantedDrafts(), seed);
  const drafts = all.slice(0, limit ?? all.length);
  const done: Judged[] = [];
  const onJudged = (it: Judged) => {
    done.push(it);
    if (isJson) out.write(`${JSON.stringify(lineOf(it))}\n`);
    else out.write(`${`${done.length}/${drafts.length}`.padEnd(8)} ${it.draft.id.padEnd(48)} ${saidText(it)}\n`);
  };
  try {
    await judgeAll(drafts, { send: client.send, onJudged }, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const report = reportOf(done);
  out.write(isJson ? `${JSON.stringify({ kind: "agreement", ...report })}\n` : `\n${reportTable(report)}`);
  return signal.aborted ? STOPPED : 0;
}

const STOPPED = 130;

/** What one auditor's verdicts come to. */
export function reportTable(report: AgreementReport): string {
  const { quality, drafts, faulty } = report;
  const head = ["judged", "faults found", "at the line", "of the flagged faulty", "false alarms", ...FAULTS];
  const rows = (Object.keys(WAY_WORDS) as Way[]).map((way) => rowOf(WAY_WORDS[way], quality[way]));
  const unclear = quality.partsAndFinal.unclear + quality.whole.unclear;
  return `${[
    `${drafts} drafts, ${faulty} of them with a planted fault`,
    ...align([head, ...rows]),
    "",
    ...(["parts", "partsAndFinal"] as const).map((way) => agreementLine(WAY_WORDS[way], report.with[way])),
    ...(unclear > 0 ? [`${unclear} verdicts could not be read, and count as not flagged`] : []),
  ].join("\n")}\n`;
}

const WAY_WORDS: Readonly<Record<Way, string>> = {
  parts: "part by part",
  partsAndFinal: "with the final pass",
  whole: "the whole at once",
};

function rowOf(name: string, { recall, atLine, precision, falseAlarms, byFault }: Quality): string[] {
  const faults = FAULTS.map((it) => `${byFault[it].found}/${byFault[it].of}`);
  return [name, percent(recall), percent(atLine), percent(precision), percent(falseAlarms), ...faults];
}

function agreementLine(name: string, { share, kappa, table }: AgreementReport["with"]["parts"]): string {
  const counts = `${table.bothYes} flagged by both, ${table.bothNo} by neither, ${table.onlyFirst} only ${name}, ${table.onlySecond} only as a whole`;
  const beyond = kappa === null ? "kappa is not defined: one verdict for all" : `Cohen's kappa ${kappa.toFixed(2)}`;
  return `${name} against the whole at once: agree on ${share === null ? "nothing" : `${Math.round(100 * share)} %`}, ${beyond} (${counts})`;
}

function percent(share: Share | null): string {
  if (share === null) return "-";
  const of = (it: number) => Math.round(100 * it);
  return `${of(share.share)} % (${of(share.least)}-${of(share.most)})`;
}

async function judgeOne(draft: PlantedDraft, send: Audit, signal: AbortSignal): Promise<Judged> {
  const { brief, language, text } = draft;
  const given = { brief, languageId: language, text, critiques: 0 };
  let notOk = 0;
  const count = (event: RunEvent) => {
    if (event.kind === "audited" && !event.isOk) notOk++;
  };
  const parts = await send(auditText, { ...given, as: "parts" }, count, signal);
  const whole = await send(auditText, { ...given, as: "whole" }, () => undefined, signal);
  const partsFlagged = notOk - parts.unclear;
  return {
    draft,
    // Findings come in the order of the parts; the final pass adds the last one.
    parts: { ...saidOf(parts), isFlagged: partsFlagged > 0, lines: linesOf(parts).slice(0, partsFlagged) },
    partsAndFinal: saidOf(parts),
    whole: saidOf(whole),
  };
}

type Audited = ResultOf<typeof auditText>;

function saidOf(audited: Audited): Said {
  return { isFlagged: audited.findings.length > 0, lines: linesOf(audited), unclear: audited.unclear };
}

function linesOf({ findings }: Audited): number[] {
  return findings.map((it) => it.line);
}

function lineOf({ draft, parts, partsAndFinal, whole }: Judged) {
  const { id, language, fault } = draft;
  return { draft: id, language, fault, parts, partsAndFinal, whole };
}

function saidText({ draft, partsAndFinal, whole }: Judged): string {
  const word = (it: Said) => (it.isFlagged ? `flagged line ${it.lines.join(", ")}` : "ok").padEnd(22);
  return `parts: ${word(partsAndFinal)} whole: ${word(whole)} ${draft.fault ? `fault in line ${draft.fault.line}` : "no fault"}`;
}
