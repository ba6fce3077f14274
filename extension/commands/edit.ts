import * as vscode from "vscode";
import type { RunEvent } from "../../server/protocol/run.ts";
import type { App } from "../app.ts";
import { advance, started } from "../progress.ts";
import { paramsFor, type Target, targetOf } from "../target.ts";
import { type Outcome, showFailure, signalOf } from "../task.ts";
import { showAnswer } from "./answer.ts";
import { askFor, type Question } from "./instruction.ts";

export type EditAction = "docstring" | "refactor" | "fix" | "test" | "implement";

const TITLES: Record<EditAction, string> = {
  docstring: "docstring",
  refactor: "refactoring",
  fix: "fix",
  test: "tests",
  implement: "implementation",
};

const QUESTIONS: Partial<Record<EditAction, Question>> = {
  refactor: {
    title: "Tandem: Refactor",
    prompt: "What should be better? Leave empty for a clearer version that does the same",
    placeHolder: "e.g. split the parsing from the printing",
    mayBeEmpty: () => true,
  },
  implement: {
    title: "Tandem: Implement",
    prompt: "What should the code do? Leave empty to follow its doc comment",
    placeHolder: "e.g. return the middle value, or the mean of the two middle ones",
    mayBeEmpty: (target) => hasCommentNear(target),
  },
};

/** A command whose answer is an edit: asks what it has to, runs the task with progress, and shows the proposal as a diff. */
export function editCommand(app: App, action: EditAction): (argument: unknown) => Promise<void> {
  const command = async (argument: unknown): Promise<void> => {
    const target = await targetOf(argument);
    if (!target) {
      void vscode.window.showInformationMessage(
        `Tandem: open a file and select the code for the ${TITLES[action]} first.`,
      );
      return;
    }
    const question = QUESTIONS[action];
    const instruction = question ? await askFor(question, target) : messageIn(argument);
    if (instruction === undefined) return;
    await runEdit(app, action, instruction, target, () => void command(argument));
  };
  return command;
}

async function runEdit(
  app: App,
  action: EditAction,
  instruction: string,
  target: Target,
  again: () => void,
): Promise<void> {
  const params = paramsFor(action, instruction, target);
  const { outcome, name } = await withProgress(app, TITLES[action], (onEvent, signal) =>
    app.tasks.run(params, onEvent, signal),
  );
  if (outcome.kind === "failed") {
    void showFailure(outcome.failure, () => void runEdit(app, action, instruction, target, again));
    return;
  }
  const { result } = outcome;
  if (result.kind === "answer")
    return showAnswer(app, { title: TITLES[action], question: instruction, target, result, again });
  const file = target.document.uri.path.split("/").at(-1) ?? "the file";
  await app.reviews.open({
    title: `${TITLES[action]} for ${name ?? file}`,
    result,
    seen: params.document ?? null,
    again,
  });
}

type Run = (onEvent: (event: RunEvent) => void, signal: AbortSignal) => Promise<Outcome>;

/** Shows in plain words what happens, with a button to cancel, until the task is over. */
async function withProgress(app: App, title: string, run: Run): Promise<{ outcome: Outcome; name: string | null }> {
  let name: string | null = null;
  const options = { location: vscode.ProgressLocation.Notification, title: `Tandem ${title}`, cancellable: true };
  const outcome = await vscode.window.withProgress(options, async (notification, token) => {
    let progress = started;
    notification.report({ message: app.isStarted() ? progress.message : "starting the orchestrator" });
    return await run((event) => {
      if (event.kind === "classified") name = event.target;
      const next = advance(progress, event);
      if (next.message !== progress.message) notification.report({ message: next.message });
      progress = next;
    }, signalOf(token));
  });
  return { outcome, name };
}

/** What the light bulb's quick fix says is wrong. */
function messageIn(argument: unknown): string {
  const hasMessage = typeof argument === "object" && argument !== null && "message" in argument;
  return hasMessage && typeof argument.message === "string" ? argument.message : "";
}

/** Whether a comment stands in the selection, or within a few lines of the cursor, that could say what to write. */
function hasCommentNear({ document, range }: Target): boolean {
  const from = Math.max(0, range.start.line - 12);
  const to = Math.min(document.lineCount - 1, range.end.line + 3);
  const text = document.getText(new vscode.Range(from, 0, to, Number.MAX_SAFE_INTEGER));
  return /(^|\s)(\/\/|\/\*|\*|#|--|""")\s*\S/m.test(text);
}
