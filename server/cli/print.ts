import { basename, relative } from "node:path";
import { styleText } from "node:util";
import { createTwoFilesPatch } from "diff";
import type { DownloadProgress } from "../protocol/models.ts";
import type { EngineUse, Finding, RouteCandidate, RunEvent, RunResult, Timing } from "../protocol/run.ts";
import type { Change } from "./apply.ts";
import type { Failure } from "./failure.ts";

/** Shows a run as it happens. */
export interface Printer {
  event(event: RunEvent): void;
  result(result: RunResult, changes: readonly Change[], isWritten: boolean): void;
  failure(failure: Failure): void;
}

type Style = Parameters<typeof styleText>[0];
export type Out = NodeJS.WritableStream & { isTTY?: boolean };

/** One JSON value per line: every event as the protocol has it, then `{"kind":"result"}` or `{"kind":"error"}`. */
export function jsonPrinter(out: Out): Printer {
  const line = (value: unknown) => void out.write(`${JSON.stringify(value)}\n`);
  return {
    event: line,
    result: (result, changes, isWritten) =>
      line({ kind: "result", isWritten, files: changes.map((it) => it.path), result }),
    failure: (failure) => line({ kind: "error", ...failure }),
  };
}

/** For people: what happens, in order. Draft text is held back to whole lines, so that findings never cut into it. */
export function textPrinter(out: Out): Printer {
  const paint = (style: Style, text: string) => (out.isTTY ? styleText(style, text) : text);
  const say = (label: string, text: string) => void out.write(`${paint("bold", label.padEnd(11))} ${text}\n`);
  const more = (text: string) => void out.write(`${" ".repeat(12)}${text}\n`);
  let draft = "";
  let isDrafting = false;
  let percent = -1;

  function flushDraft(): void {
    if (draft !== "") out.write(`${paint("dim", "  │ ")}${draft}\n`);
    draft = "";
  }

  function addDraft(text: string): void {
    if (!isDrafting) say("draft", "");
    isDrafting = true;
    const lines = (draft + text).split("\n");
    draft = lines.pop() ?? "";
    for (const line of lines) out.write(`${paint("dim", "  │ ")}${line}\n`);
  }

  function downloading(progress: DownloadProgress): void {
    const share = progress.totalBytes ? Math.floor((progress.doneBytes / progress.totalBytes) * 100) : 0;
    if (out.isTTY) out.write(`\r\x1b[K${paint("bold", "downloading")} ${downloadText(progress)}`);
    else if (Math.floor(share / 10) > Math.floor(percent / 10) || percent === -1)
      say("downloading", downloadText(progress));
    if (out.isTTY && share === 100) out.write("\n");
    percent = share;
  }

  return {
    event(event) {
      switch (event.kind) {
        case "classified":
          say(
            "classified",
            `${paint("cyan", event.action)} (${event.tier}), ${Math.round(event.confidence * 100)} % sure: ${event.why}`,
          );
          if (event.target) more(`target: ${event.target}`);
          return;
        case "routed":
          say("routed", `draft: ${candidateText(event.draft)}`);
          if (event.audit) more(`audit: ${candidateText(event.audit)}`);
          more(`because ${event.why}`);
          return;
        case "waiting":
          return say("waiting", `${event.position === 1 ? "next" : `${event.position} in line`} for ${event.engine}`);
        case "downloading":
          return downloading(event.progress);
        case "loading":
          return say("loading", `${event.model} (${event.engine})`);
        case "ready":
          return say("ready", `${event.engine}: ${event.model.label}, ${seconds(event.tookMs)}`);
        case "draft":
          return addDraft(event.text);
        case "audited":
          return say(
            "audit",
            `part ${event.part}, lines ${event.fromLine}-${event.toLine}: ${event.isOk ? "ok" : paint("yellow", "see below")}`,
          );
        case "finding":
          return more(findingText(event.finding, paint));
        case "retry":
          flushDraft();
          isDrafting = false;
          return say("again", `attempt ${event.attempt}: ${event.why}`);
        case "notice":
          return say("note", paint("yellow", event.message));
      }
    },
    result(result, changes, isWritten) {
      flushDraft();
      for (const change of changes) {
        out.write("\n");
        for (const line of patchOf(change).split("\n")) out.write(`${paint(styleOf(line), line)}\n`);
      }
      say(
        result.kind === "answer" ? "answered" : isWritten ? "written" : "not written",
        summary(result, changes, isWritten),
      );
      for (const line of timingLines(result.timing)) more(line);
    },
    failure({ code, message, nextStep }) {
      flushDraft();
      out.write(`${paint("red", "error")}       ${message} [${code}]\n${" ".repeat(12)}${nextStep}\n`);
    },
  };
}

function summary(result: RunResult, changes: readonly Change[], isWritten: boolean): string {
  const findings =
    result.findings.length === 0 ? "" : `, ${result.findings.length} finding${result.findings.length === 1 ? "" : "s"}`;
  if (result.kind === "answer") return `${result.timing.draft.completionTokens} tokens${findings}`;
  const files = changes.map((it) => relative(process.cwd(), it.path) || basename(it.path)).join(", ");
  return `${files}${findings}${isWritten ? "" : " (add --apply to write it)"}`;
}

function candidateText({ model, device, why }: RouteCandidate): string {
  return `${model} on ${device}, ${why}`;
}

function findingText(
  { line, severity, message, source }: Finding,
  paint: (style: Style, text: string) => string,
): string {
  return `${paint(severity === "error" ? "red" : "yellow", severity)} line ${line}: ${message} (${source})`;
}

function downloadText({ model, doneBytes, totalBytes, bytesPerSecond, etaMs }: DownloadProgress): string {
  const parts = [`${model} ${megabytes(doneBytes)}${totalBytes ? ` of ${megabytes(totalBytes)}` : ""}`];
  if (bytesPerSecond) parts.push(`${megabytes(bytesPerSecond)}/s`);
  if (etaMs !== null) parts.push(`${Math.ceil(etaMs / 1000)} s left`);
  return parts.join(", ");
}

/** Where the time went, one phase a line. */
export function timingLines(timing: Timing): string[] {
  const lines = [
    `classify ${milliseconds(timing.classifyMs)}, route ${milliseconds(timing.routeMs)}, engine ready ${seconds(timing.acquireMs)}, draft and audit ${seconds(timing.workMs)}, total ${seconds(timing.totalMs)}`,
    `draft: ${useText(timing.draft)}`,
  ];
  if (timing.audit)
    lines.push(
      `audit: ${useText(timing.audit)}${timing.overlap === null ? "" : `; overlap ${timing.overlap.toFixed(2)} (1: the audit cost no time of its own)`}`,
    );
  return lines;
}

function useText(use: EngineUse): string {
  const rate = use.tokensPerSecond === null ? "" : `, ${use.tokensPerSecond.toFixed(1)} tokens/s`;
  const first = use.ttftMs === null ? "" : `, first token after ${seconds(use.ttftMs)}`;
  return `${use.completionTokens} tokens on ${use.device}${rate}${first}, busy ${seconds(use.prefillMs + use.decodeMs)}`;
}

export function patchOf({ path, before, after }: Change): string {
  const name = relative(process.cwd(), path) || basename(path);
  return createTwoFilesPatch(name, name, before, after, undefined, undefined, { context: 3 })
    .split("\n")
    .slice(1)
    .join("\n")
    .trimEnd();
}

function styleOf(line: string): Style {
  if (line.startsWith("+")) return "green";
  if (line.startsWith("-")) return "red";
  return line.startsWith("@@") ? "cyan" : "reset";
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
