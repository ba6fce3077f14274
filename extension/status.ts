import * as vscode from "vscode";
import type { EngineStatus, Status } from "../server/protocol/status.ts";
import { type Brief, briefOf } from "./brief.ts";
import type { DoorState } from "./door.ts";
import type { OrchestratorState } from "./life.ts";
import { duration } from "./progress.ts";
import { listOf, othersIn } from "./sharing.ts";

/** The status bar item: whether Tandem is idle, works, or needs attention; its tooltip says what runs where. */
export interface StatusItem {
  showState(state: OrchestratorState): void;
  showStatus(status: Status): void;
  /** How this window's wish for the HTTP door is. */
  showDoor(door: DoorState): void;
  /** Tasks running in this window. */
  showRunning(count: number): void;
}

export function createStatus(item: vscode.StatusBarItem): StatusItem {
  let state: OrchestratorState = { kind: "stopped" };
  let status: Status | null = null;
  let door: DoorState = { kind: "closed" };
  let running = 0;
  const draw = () => {
    const brief = status && briefOf(status);
    item.text = textOf(state, running, brief);
    item.accessibilityInformation = { label: `Tandem: ${wordOf(state, running)}` };
    item.tooltip = tooltipOf(wordOf(state, running), [
      ...(brief?.alarm ? [`Look: ${brief.alarm}`] : []),
      ...linesOf(status),
      ...doorLines(status, door),
    ]);
    item.backgroundColor = state.kind === "failed" ? new vscode.ThemeColor("statusBarItem.errorBackground") : undefined;
  };
  draw();
  return {
    showState(next) {
      state = next;
      if (next.kind !== "running") status = null;
      draw();
    },
    showStatus(next) {
      status = next;
      draw();
    },
    showDoor(next) {
      door = next;
      draw();
    },
    showRunning(count) {
      running = count;
      draw();
    },
  };
}

function textOf(state: OrchestratorState, running: number, brief: Brief | null): string {
  if (state.kind === "failed" || state.kind === "waiting") return "$(warning) Tandem";
  const sign = running > 0 || state.kind === "starting" ? "loading~spin" : brief?.alarm ? "warning" : "sparkle";
  return `$(${sign}) Tandem${brief?.text ? `: ${brief.text}` : ""}`;
}

function wordOf(state: OrchestratorState, running: number): string {
  switch (state.kind) {
    case "stopped":
      return "ready; the orchestrator starts with the first command";
    case "starting":
      return "the orchestrator is starting";
    case "waiting":
      return `the orchestrator stopped (${state.reason}) and is started again in ${duration(state.delayMs)}`;
    case "failed":
      return `the orchestrator stopped too often (${state.reason})`;
    case "running":
      return running === 0 ? "idle" : running === 1 ? "working" : `working on ${running} tasks`;
  }
}

function tooltipOf(word: string, lines: readonly string[]): vscode.MarkdownString {
  const text = new vscode.MarkdownString("**Tandem**", true);
  text.isTrusted = { enabledCommands: ["tandem.menu"] };
  for (const line of [word, ...lines]) text.appendMarkdown("\n\n").appendText(line);
  return text.appendMarkdown("\n\nClick for GPUs and models · [$(menu) Menu](command:tandem.menu)");
}

/** What runs where, and who shares it. */
function linesOf(status: Status | null): readonly string[] {
  if (!status) return [];
  const others = othersIn(status.clients);
  const sharing = others === "" ? "used by this window only" : `shared with ${others}`;
  return [...status.engines.map(engineLine), `Orchestrator: process ${status.pid}, ${sharing}`];
}

function engineLine(engine: EngineStatus): string {
  const roles = engine.roles.length === 0 ? "for others" : listOf(engine.roles);
  const rate = engine.decodeTokensPerSecond === null ? "" : `, ${engine.decodeTokensPerSecond.toFixed(1)} tokens/s`;
  const queue = engine.queued > 0 ? `, ${engine.queued} waiting` : "";
  return `${roles}: ${engine.model.label} on ${engine.device}, ${engine.isBusy ? "busy" : engine.state}${rate}${queue}`;
}

/** The door may be another client's, such as `tandem serve`. */
function doorLines(status: Status | null, door: DoorState): readonly string[] {
  if (door.kind === "refused") return [`HTTP: closed; ${door.failure.message}`];
  if (status?.http) return [`HTTP: ${status.http}/v1`];
  return door.kind === "opening" ? ["HTTP: opening"] : [];
}
