import * as vscode from "vscode";
import type { RunEvent, RunResult } from "../../server/protocol/run.ts";
import type { Told } from "../answers.ts";
import type { App } from "../app.ts";
import { advance, started } from "../progress.ts";
import { paramsFor, type Target, targetOf } from "../target.ts";

type AnswerResult = Extract<RunResult, { kind: "answer" }>;

/** Explains the selection, or what encloses the cursor, beside the editor. */
export function explainCommand(app: App): (argument: unknown) => Promise<void> {
  return async (argument) => {
    const target = await targetOf(argument);
    if (!target) {
      void vscode.window.showInformationMessage("Tandem: open a file and select the code to explain first.");
      return;
    }
    await runAnswer(app, "explain", "", target);
  };
}

/** Asks anything, about the code in the active editor where there is one. */
export function askCommand(app: App): (argument: unknown) => Promise<void> {
  return async (argument) => {
    const target = await targetOf(argument);
    const question = await vscode.window.showInputBox({
      title: "Tandem: Ask",
      prompt: target ? "Your question; the file you are in goes along" : "Your question",
      placeHolder: "e.g. what happens when the list is empty?",
      ignoreFocusOut: true,
      validateInput: (text) => (text.length > 0 && text.trim() === "" ? "Type a question" : undefined),
    });
    if (question?.trim()) await runAnswer(app, "ask", question.trim(), target);
  };
}

/** Shows an answer that came where an edit was expected. */
export function showAnswer(
  app: App,
  shown: { title: string; question: string; target: Target; result: AnswerResult; again: () => void },
): void {
  const { title, question, target, result, again } = shown;
  const tell = app.answers.begin({ title, question, source: target.document.uri, stop: () => undefined, again });
  tell(endOf(result));
}

async function runAnswer(app: App, action: "explain" | "ask", question: string, target: Target | null): Promise<void> {
  const controller = new AbortController();
  const tell = app.answers.begin({
    title: action === "explain" ? "Explain" : "Ask",
    question,
    source: target?.document.uri ?? null,
    stop: () => controller.abort(),
    again: () => void runAnswer(app, action, question, target),
  });
  let progress = started;
  const onEvent = (event: RunEvent) => {
    if (event.kind === "draft") tell({ kind: "more", text: event.text });
    if (event.kind === "retry") tell({ kind: "again" });
    if (event.kind === "seam" && event.seam.atCharacters > 0) tell({ kind: "seam", seam: event.seam });
    if (event.kind === "cloud") tell({ kind: "cloud", host: event.host });
    const next = advance(progress, event);
    if (next.message !== progress.message) tell({ kind: "progress", message: next.message });
    progress = next;
  };
  const outcome = await app.tasks.run(paramsFor(action, question, target), onEvent, controller.signal);
  if (outcome.kind === "failed") {
    const { code, message, nextStep } = outcome.failure;
    tell({
      kind: "failed",
      message: code === "cancelled" ? "Stopped" : message,
      nextStep: code === "cancelled" ? "" : nextStep,
    });
  } else if (outcome.result.kind === "answer") {
    tell(endOf(outcome.result));
  } else {
    tell({ kind: "failed", message: "The answer is an edit", nextStep: "It is shown as a diff" });
    const seen = target ? (paramsFor(action, question, target).document ?? null) : null;
    await app.reviews.open({ title: question, result: outcome.result, seen, again: () => undefined });
  }
}

function endOf({ markdown, findings, notices, seams, timing, cloud }: AnswerResult): Told {
  return { kind: "end", markdown, findings, notices, seams, use: timing.draft, totalMs: timing.totalMs, cloud };
}
