import { basename, relative } from "node:path";
import { createTwoFilesPatch } from "diff";
import type { DownloadProgress } from "../protocol/models.ts";
import type { EngineUse, RouteCandidate, RunResult, Timing } from "../protocol/run.ts";
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
  if (timing.overlap !== null) lines.push(overlapText(timing.overlap));
  return lines;
}

function overlapText(overlap: number): string {
  if (overlap <= 0) return "overlap none: draft and audit ran one after the other, or waited";
  return `overlap ${overlap.toFixed(2)} (1: the shorter of the two cost no time of its own; 0: one after the other)`;
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
