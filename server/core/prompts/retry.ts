import { type DraftJob, estimateTokens } from "../prompt.ts";

/** An objection may quote the draft; a model needs no more of it than this. */
const MOST_CHARACTERS = 300;
/** What an answer must have left when the objection takes its room. */
const LEAST_TOKENS = 64;

/**
 * The same job, its prompt ending with why the last answer could not be used. It goes into the user's last message:
 * many chat templates refuse two messages of one role in a row. A prompt to be continued has no place for it.
 */
export function withObjection(job: DraftJob, why: string): DraftJob {
  const { prompt } = job;
  const last = prompt.kind === "chat" ? prompt.messages.at(-1) : undefined;
  if (prompt.kind !== "chat" || last?.role !== "user" || why === "") return job;
  const reason = why.replace(/\s+/g, " ").slice(0, MOST_CHARACTERS);
  const line = `\n\nThe last answer could not be used: ${reason}. Answer anew, and avoid that.`;
  return {
    ...job,
    prompt: { ...prompt, messages: [...prompt.messages.slice(0, -1), { ...last, content: last.content + line }] },
    maxTokens: Math.min(job.maxTokens, Math.max(LEAST_TOKENS, job.maxTokens - estimateTokens(line))),
  };
}
