import * as vscode from "vscode";
import type { Status } from "../server/protocol/status.ts";
import type { OrchestratorState } from "./life.ts";
import { duration } from "./progress.ts";

/** The status bar item: whether Tandem is idle, works, or needs attention; its tooltip says what runs where. */
export interface StatusItem {
  showState(state: OrchestratorState): void;
  showStatus(status: Status): void;
  /** Tasks running in this window. */
  showRunning(count: number): void;
}

export function createStatus(item: vscode.StatusBarItem): StatusItem {
  let state: OrchestratorState = { kind: "stopped" };
  let status: Status | null = null;
  let running = 0;
  const draw = () => {
    item.text = textOf(state, running);
    item.accessibilityInformation = { label: `Tandem: ${wordOf(state, running)}` };
    item.tooltip = tooltipOf(state, status, running);
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
    showRunning(count) {
      running = count;
      draw();
    },
  };
}

function textOf(state: OrchestratorState, running: number): string {
  if (state.kind === "failed" || state.kind === "waiting") return "$(warning) Tandem";
  return running > 0 || state.kind === "starting" ? "$(loading~spin) Tandem" : "$(sparkle) Tandem";
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

function tooltipOf(state: OrchestratorState, status: Status | null, running: number): vscode.MarkdownString {
  const text = new vscode.MarkdownString("**Tandem**\n\n");
  text.appendText(`${wordOf(state, running)}\n`);
  for (const engine of status?.engines ?? []) {
    const rate = engine.decodeTokensPerSecond === null ? "" : `, ${engine.decodeTokensPerSecond.toFixed(1)} tokens/s`;
    const queue = engine.queued > 0 ? `, ${engine.queued} waiting` : "";
    text
      .appendMarkdown("\n\n")
      .appendText(
        `${engine.roles.join(" and ")}: ${engine.model.label} on ${engine.device}, ${engine.isBusy ? "busy" : engine.state}${rate}${queue}`,
      );
  }
  text.appendMarkdown("\n\n").appendText("Click for the menu");
  return text;
}
