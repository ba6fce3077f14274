import type { Outline } from "../ports.ts";
import type { Action, RunParams, Tier } from "../protocol/run.ts";
import type { Settings } from "../protocol/settings.ts";
import type { Diagnostic, Range, SourceDocument } from "../protocol/source.ts";
import { shapeOf } from "./classify/tier.ts";
import { decide, weighed } from "./classify.ts";
import { languageFacts } from "./language.ts";
import type { LanguageFacts } from "./languages.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { findTarget, type Target, targetRange } from "./target.ts";
import { compare, contains, slice } from "./text.ts";

/** A request that was understood: what to do, to which part of which text. */
export interface Task {
  readonly kind: "task";
  readonly action: Action;
  readonly tier: Tier;
  readonly confidence: number;
  readonly why: string;
  /** The model that a rule of the user's names; null: as routing finds best. */
  readonly model: string | null;
  readonly instruction: string;
  readonly document: SourceDocument | null;
  readonly facts: LanguageFacts;
  readonly outline: Outline;
  readonly target: Target;
  /** Those that touch the target. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Longer than any request a person types; a paste belongs into the file or the selection. */
const MOST_INSTRUCTION = 20_000;
/** Beyond this a file is data or generated; a model sees a few kilobytes of it at most. */
const MOST_TEXT = 1_000_000;

/** What the request means, or why it cannot be worked on. */
export function understand(params: RunParams, outline: Outline, rules: Settings["rules"] = []): Task | Refusal {
  const document = params.document ?? null;
  const refused = checkInput(params);
  if (refused) return refused;
  const beyond = document && params.range ? checkRange(document.text, params.range) : null;
  if (beyond) return beyond;
  const decision = decide({
    action: params.action ?? null,
    instruction: params.instruction,
    errorCount: errors(params.diagnostics),
    rules,
  });
  const { action } = decision;
  if (!document && action !== "ask" && action !== "explain")
    return refuse("bad-input", `There is no file to ${action} in`, "Name one with --file, or open it in the editor");
  const target: Target = document
    ? findTarget({
        action,
        instruction: params.instruction,
        text: document.text,
        range: params.range ?? null,
        outline,
      })
    : { kind: "none", why: "no file was given" };
  const range = targetRange(target);
  const diagnostics = range
    ? params.diagnostics.filter(
        (it) => compare(it.range.start, range.end) <= 0 && compare(it.range.end, range.start) >= 0,
      )
    : params.diagnostics;
  const { tier, confidence, why, model } = weighed(decision, {
    instruction: params.instruction,
    targetLines: range ? range.end.line - range.start.line + 1 : 0,
    nesting: document && range ? shapeOf(slice(document.text, range)).nesting : 0,
    symbols: range ? outline.declarations.filter((it) => contains(range, it.range)).length : 0,
    errorCount: errors(diagnostics),
  });
  const task: Task = {
    kind: "task",
    action,
    tier,
    confidence,
    why,
    model,
    instruction: params.instruction.trim(),
    document,
    facts: languageFacts(document?.languageId ?? "plaintext"),
    outline,
    target,
    diagnostics,
  };
  return checkTarget(task, params.range !== undefined) ?? task;
}

/** A short name of what the task is about, for people. */
export function describeTarget(target: Target): string | null {
  switch (target.kind) {
    case "declaration":
      return target.declaration.name;
    case "selection":
      return `lines ${target.range.start.line + 1}-${target.range.end.line + 1}`;
    case "gap":
      return `new code at line ${target.at.line + 1}`;
    case "none":
      return null;
  }
}

function errors(diagnostics: readonly Diagnostic[]): number {
  return diagnostics.filter((it) => it.severity === "error").length;
}

function checkInput({ instruction, document, action }: RunParams): Refusal | null {
  if (instruction.length > MOST_INSTRUCTION)
    return refuse(
      "context-length",
      `The instruction has ${instruction.length} characters; at most ${MOST_INSTRUCTION} are read`,
      "Say it shorter, or put the text into a file and select it",
    );
  if (!action && instruction.trim() === "")
    return refuse(
      "bad-input",
      "Neither an action nor an instruction was given",
      'Say what to do: tandem run "Write a docstring for median"',
    );
  if (!document) return null;
  if (document.text.length > MOST_TEXT)
    return refuse(
      "bad-input",
      `The file has ${(document.text.length / 1e6).toFixed(1)} million characters; at most ${MOST_TEXT / 1e6} million are worked on`,
      "Split the file, or copy the function into a smaller one",
    );
  if (document.text.includes("\0")) return refuse("bad-input", "The file is binary", "Name a source file");
  return null;
}

function checkRange(text: string, range: Range): Refusal | null {
  const lines = text.split("\n").length;
  if (range.start.line < lines) return null;
  const message = `Line ${range.start.line + 1} is beyond the end of the file, which has ${lines} lines`;
  return refuse("bad-input", message, "Give a range inside the file");
}

function checkTarget(task: Task, hasRange: boolean): Refusal | null {
  const { action, document, outline, target } = task;
  if (!document || action === "explain" || action === "ask") return null;
  if (document.text.trim() === "" && action !== "implement")
    return refuse(
      "bad-input",
      `The file is empty: there is nothing to ${verb(action)}`,
      "Write the code first, or ask to implement it",
    );
  const syntaxError = errorInScope(task, hasRange);
  if (syntaxError && action !== "fix") {
    const where = `line ${syntaxError.line + 1}`;
    return refuse(
      "bad-input",
      `The code does not parse: ${syntaxError.message} at ${where}`,
      `Mend ${where} first, or run the action "fix" on it`,
    );
  }
  if (target.kind !== "none") return null;
  const names = [...new Set(outline.declarations.map((it) => it.name))].slice(0, 8).join(", ");
  return refuse(
    "bad-input",
    `It is not clear what to ${verb(action)}: ${target.why}`,
    names ? `Name one of ${names}, or give a range` : "Select the lines that are meant, or give a range",
  );
}

/** With a range only errors inside the target count; without one, any: a name found in broken code cannot be trusted. */
function errorInScope({ outline, target }: Task, hasRange: boolean) {
  const range = hasRange ? targetRange(target) : null;
  if (!range) return outline.errors[0];
  return outline.errors.find((it) => contains(range, { start: it, end: it }));
}

function verb(action: Action): string {
  return action === "docstring" ? "document" : action;
}
