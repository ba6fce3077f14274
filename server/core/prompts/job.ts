import type { ModelInfo } from "../../protocol/models.ts";
import type { Companion, DraftJob } from "../prompt.ts";
import { promptLength } from "../prompt.ts";
import { type Refusal, refuse } from "../refusal.ts";
import type { Task } from "../task.ts";
import { answerJob } from "./answer.ts";
import { chatJob, chatTestJob } from "./chat.ts";
import { completionJob } from "./completion.ts";
import { completionTestJob } from "./completionTest.ts";
import { veil } from "./veil.ts";

/** Share of the context that a prompt's surroundings may take; the rest is for the code itself and the answer. */
const CONTEXT_SHARE = 0.4;
/** Characters per token, low: an estimate that is too small would overflow the context. */
const CHARACTERS_PER_TOKEN = 2.8;
/** More surroundings than this help no model here and cost prefill time. */
const MOST_CONTEXT_CHARACTERS = 24_000;
/** An answer shorter than this is useless. */
const LEAST_ANSWER_TOKENS = 64;

export interface Drafting {
  readonly model: ModelInfo;
  /** The test file, for `test`. */
  readonly companion: Companion | null;
  /** The user's ceiling. */
  readonly maxTokens: number;
}

/** The prompt for this task and this model, or why the model cannot do it. */
export function draftJob(task: Task, { model, companion, maxTokens }: Drafting): DraftJob | Refusal {
  const contextCharacters = Math.min(
    MOST_CONTEXT_CHARACTERS,
    Math.floor(model.contextTokens * CONTEXT_SHARE * CHARACTERS_PER_TOKEN),
  );
  const limits = { contextCharacters, maxTokens: Math.min(maxTokens, Math.floor(model.contextTokens / 2)) };
  const chosen = choose(task, model, companion, limits);
  if (chosen.kind === "refused") return chosen;
  const job = veil(chosen);
  const room = model.contextTokens - promptLength(job.prompt);
  if (room < LEAST_ANSWER_TOKENS)
    return refuse(
      "context-length",
      `The code needs about ${promptLength(job.prompt)} tokens, and ${model.label} reads ${model.contextTokens}`,
      "Select less code, or use a model with a longer context",
    );
  return { ...job, maxTokens: Math.min(job.maxTokens, maxTokens, room) };
}

function choose(
  task: Task,
  model: ModelInfo,
  companion: Companion | null,
  limits: { contextCharacters: number; maxTokens: number },
): DraftJob | Refusal {
  const { action, document } = task;
  if (action === "explain" || action === "ask") return answerJob(task, model.isTrial, limits);
  if (!document)
    return refuse("bad-input", `There is no file to ${action} in`, "Name one with --file, or open it in the editor");
  if (action === "test") {
    if (!companion)
      return refuse(
        "bad-input",
        `Tandem does not know where ${task.facts.name} keeps its tests`,
        "Write the test file's first lines, then ask to implement the tests in it",
      );
    return model.promptStyle === "chat"
      ? chatTestJob(task, document, companion, limits)
      : completionTestJob(task, document, companion);
  }
  return model.promptStyle === "chat" ? chatJob(task, document, limits) : completionJob(task, document);
}
