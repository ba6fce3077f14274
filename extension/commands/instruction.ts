import * as vscode from "vscode";
import type { Target } from "../target.ts";

export interface Question {
  readonly title: string;
  readonly prompt: string;
  readonly placeHolder: string;
  mayBeEmpty(target: Target): boolean;
}

/** What the user wants, in their words; undefined when they changed their mind. */
export async function askFor(question: Question, target: Target): Promise<string | undefined> {
  const { title, prompt, placeHolder } = question;
  const mayBeEmpty = question.mayBeEmpty(target);
  const answer = await vscode.window.showInputBox({
    title,
    prompt,
    placeHolder,
    ignoreFocusOut: true,
    validateInput: (text) =>
      text.trim() === "" && !mayBeEmpty
        ? {
            message: "There is no comment here to go by: say what is wanted",
            severity: vscode.InputBoxValidationSeverity.Error,
          }
        : undefined,
  });
  return answer?.trim();
}
