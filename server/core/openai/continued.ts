import type { ReadChunk } from "./chunkReader.ts";

type Body = Readonly<Record<string, unknown>>;

/** How many tokens may, or must, be written: OpenAI's two names, llama-server's, and vLLM's least. */
const MOST = ["max_tokens", "max_completion_tokens", "n_predict"] as const;
const LEAST = "min_tokens";
/**
 * Names by which llama-server (`grammar`, `json_schema`), vLLM (`structured_outputs`, once `guided_…`) and Ollama (`format`) confine an
 * answer beyond OpenAI's `response_format`.
 */
const CONFINING = /^(grammar|json_schema|structured_outputs|format|guided_(json|regex|choice|grammar)|structural_tag)$/;

/** Whether the answer has to have a shape, which begins anew wherever an engine begins: nobody can go on in the middle of it. */
export function isConfined(body: Body): boolean {
  return Object.entries(body).some(([name, value]) => CONFINING.test(name) && Boolean(value));
}

/** The request for what is left of an answer of which `tokens` tokens are out. One more may always be written. */
export function shortened(body: Body, tokens: number): Body {
  const less: Record<string, number> = {};
  for (const name of MOST) {
    const most = body[name];
    if (typeof most === "number" && most > 0) less[name] = Math.max(1, most - tokens);
  }
  const least = body[LEAST];
  if (typeof least === "number") less[LEAST] = Math.max(0, least - tokens);
  return { ...body, ...less };
}

/** The chunk with the counts of the whole answer: what was there was read as part of the prompt, and is part of the answer. */
export function recounted(chunk: ReadChunk, tokens: number): ReadChunk {
  const usage = chunk.body?.usage;
  if (tokens === 0 || typeof usage !== "object" || usage === null) return chunk;
  const { prompt_tokens: read, completion_tokens: written } = { ...usage } as Body;
  if (typeof read !== "number" || typeof written !== "number") return chunk;
  const counts = { prompt_tokens: Math.max(0, read - tokens), completion_tokens: written + tokens };
  const total = { total_tokens: counts.prompt_tokens + counts.completion_tokens };
  const body = { ...chunk.body, usage: { ...usage, ...counts, ...total } };
  return { ...chunk, body, json: JSON.stringify(body) };
}
