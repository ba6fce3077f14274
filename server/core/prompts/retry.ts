import type { ChatMessage } from "../../ports.ts";
import type { Finding } from "../../protocol/run.ts";
import { type DraftJob, estimateTokens } from "../prompt.ts";
import { oneLine } from "./quoted.ts";
import { veil } from "./veil.ts";

/** An objection may quote the draft; a model needs no more of it than this. */
const MOST_CHARACTERS = 300;
/** What an answer must have left when the objection takes its room. */
const LEAST_TOKENS = 64;
/** A drafter can mend so many faults at once. */
const MOST_FINDINGS = 8;

/**
 * The same job, its prompt ending with why the last answer could not be used. It goes into the user's last message:
 * many chat templates refuse two messages of one role in a row. A prompt to be continued has no place for it.
 */
export function withObjection(job: DraftJob, why: string): DraftJob {
  const { prompt } = job;
  const last = prompt.kind === "chat" ? prompt.messages.at(-1) : undefined;
  if (prompt.kind !== "chat" || last?.role !== "user" || why === "") return job;
  const reason = oneLine(why, MOST_CHARACTERS);
  const line = `\n\nThe last answer could not be used: ${reason}. Answer anew, and avoid that.`;
  return {
    ...job,
    prompt: { ...prompt, messages: [...prompt.messages.slice(0, -1), { ...last, content: last.content + line }] },
    maxTokens: Math.min(job.maxTokens, Math.max(LEAST_TOKENS, job.maxTokens - estimateTokens(line))),
  };
}

/**
 * The same job gone on with: the draft as the model's own answer, then what a reviewer found in it, one line each. All of the prompt is
 * in the drafter's KV cache but for these lines. Null where a model only continues text, or has no room left for another answer.
 */
export function withFindings(job: DraftJob, draft: string, findings: readonly Finding[]): DraftJob | null {
  const { prompt } = job;
  if (prompt.kind !== "chat" || prompt.messages.at(-1)?.role !== "user") return null;
  const rows = findings.slice(0, MOST_FINDINGS).map((it) => `line ${it.line}: ${oneLine(it.message, MOST_CHARACTERS)}`);
  const answered: ChatMessage = { role: "assistant", content: inFence(draft) };
  const asked: ChatMessage = {
    role: "user",
    content: `A reviewer says of your answer, by its lines:\n${rows.join("\n")}\n\nWhere the reviewer is right, mend it; where not, leave it. Answer with the complete code again, in the same form as before.`,
  };
  const maxTokens = job.maxTokens - estimateTokens(answered.content + asked.content);
  if (maxTokens < estimateTokens(draft) + LEAST_TOKENS) return null;
  return veil({ ...job, prompt: { ...prompt, messages: [...prompt.messages, answered, asked] }, maxTokens });
}

/** In a fence longer than any in the text. */
function inFence(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((it) => it.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
