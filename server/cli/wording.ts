import { basename, relative } from "node:path";
import { createTwoFilesPatch } from "diff";
import type { DownloadProgress } from "../protocol/models.ts";
import type { AuditSummary, EngineUse, RouteCandidate, RunResult, Timing } from "../protocol/run.ts";
import type { Change } from "./apply.ts";

export function candidateText({ model, device, why }: RouteCandidate): string {
  return `${model} on ${device}, ${why}`;
}

export function downloadText({ model, doneBytes, totalBytes, bytesPerSecond, etaMs }: DownloadProgress): string {
  const parts = [`${model} ${megabytes(doneBytes)}${totalBytes ? ` of ${megabytes(totalBytes)}` : ""}`];
  if (bytesPerSecond) parts.push(`${megabytes(bytesPerSecond)}/s`);
  if (etaMs !== null) parts.push(`${Math.ceil(etaMs / 1000)} s left`);
  return parts.join(", ");
}

/** What came out, in one line. */
export function resultText(result: RunResult, changes: readonly Change[], isWritten: boolean): string {
  const count = result.findings.length;
  const findings = count === 0 ? "" : `, ${count} finding${count === 1 ? "" : "s"}`;
  if (result.kind === "answer") return `${result.timing.draft.completionTokens} tokens${findings}`;
  return `${changes.map((it) => nameOf(it.path)).join(", ")}${findings}${isWritten ? "" : " (add --apply to write it)"}`;
}

/** Where the time went: the phases, then each engine's share. */
export function timingLines(timing: Timing): string[] {
  const phases = [
    `classify ${timing.classifyMs.toFixed(1)} ms`,
    `route ${timing.routeMs.toFixed(1)} ms`,
    `engines ready ${seconds(timing.acquireMs)}`,
    `draft${timing.audit ? " and audit" : ""} ${seconds(timing.workMs)}`,
    `total ${seconds(timing.totalMs)}`,
  ];
  const lines = [phases.join(", "), `draft: ${useText(timing.draft)}`];
  if (timing.audit) lines.push(`audit: ${useText(timing.audit)}`);
  lines.push(workText(timing));
  return lines;
}

/** How far the audit came. */
export function auditText({ parts, audited, unclear, finalPass, endedBy, restarts, repairs }: AuditSummary): string {
  const words = [`${audited} of ${parts} ${parts === 1 ? "part" : "parts"} audited`];
  if (unclear > 0) words.push(`${unclear} without a clear verdict`);
  if (finalPass !== null) words.push(finalPass === "ok" ? "the whole ok" : "the whole flagged");
  if (endedBy !== null) words.push({ accepted: "ended by you", time: "ended by time", failure: "broken off" }[endedBy]);
  if (restarts > 0) words.push("begun anew once");
  if (repairs > 0) words.push("written anew once for what it found");
  return words.join(", ");
}

/** Who was busy how long of the time that draft and audit took together. */
function workText({ workMs, draft, audit, overlap, auditRan, hasLoaded }: Timing): string {
  const busy = ({ prefillMs, decodeMs }: EngineUse) => seconds(prefillMs + decodeMs);
  const words = [`draft busy ${busy(draft)}`];
  if (audit) words.push(`audit busy ${busy(audit)}${auditRan === "after" ? ", after it on the same engine" : ""}`);
  if (overlap !== null) words.push(overlap > 0 ? `overlap ${overlap.toFixed(2)} of at most 1` : "no overlap");
  return `work ${seconds(workMs)}: ${words.join(", ")}; ${hasLoaded ? "a model was loaded first" : "nothing had to be loaded"}`;
}

/** The change as a unified diff. */
export function patchOf({ path, before, after }: Change): string {
  const name = nameOf(path);
  const patch = createTwoFilesPatch(name, name, before, after, undefined, undefined, { context: 3 });
  return patch.split("\n").slice(1).join("\n").trimEnd();
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function useText(use: EngineUse): string {
  const parts = [`${use.completionTokens} tokens on ${use.device}`];
  if (use.tokensPerSecond !== null) parts.push(`${use.tokensPerSecond.toFixed(1)} tokens/s`);
  if (use.ttftMs !== null) parts.push(`first token after ${seconds(use.ttftMs)}`);
  parts.push(`busy ${seconds(use.prefillMs + use.decodeMs)}`);
  return parts.join(", ");
}

function nameOf(path: string): string {
  return relative(process.cwd(), path) || basename(path);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
