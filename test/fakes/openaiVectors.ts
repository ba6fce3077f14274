import { z } from "zod";
import { errorBody } from "./openaiFlavour.ts";
import { countTokens } from "./openaiScript.ts";

/** The body of a request for vectors; unknown fields stay in it. */
export const EmbedBody = z.looseObject({
  /** A prompt of tokens stands for the text that lists them. */
  input: z.union([
    z.string().transform((text) => [text]),
    z.array(z.string()),
    z.array(z.array(z.int())).transform((prompts) => prompts.map((tokens) => tokens.join(" "))),
  ]),
  model: z.string().optional(),
  encoding_format: z.enum(["float", "base64"]).optional(),
});
export type EmbedBody = z.output<typeof EmbedBody>;

/** Vectors, one per text, or any answer at all. */
export type EmbedReply = readonly (readonly number[])[] | { readonly status: number; readonly body: unknown };
export type EmbedScript = (texts: readonly string[], body: EmbedBody) => EmbedReply;

/** What a llama-server says that was not started for vectors; the others do not know the path. */
export const NO_VECTORS = {
  status: 501,
  body: errorBody(501, "This server does not support embeddings. Start it with `--embeddings`", "not_supported_error"),
};

/** The reply as it goes over the wire, in llama-server's shape (captured from a real one). */
export function embedAnswer(body: EmbedBody, reply: EmbedReply, model: string): { status: number; body: unknown } {
  if ("status" in reply) return reply;
  const tokens = body.input.reduce((sum, text) => sum + countTokens(text), 0);
  const data = reply.map((vector, index) => ({
    object: "embedding",
    index,
    embedding: body.encoding_format === "base64" ? base64Of(vector) : vector,
  }));
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { status: 200, body: { model: body.model ?? model, object: "list", usage, data } };
}

/** Little-endian 32-bit floats. */
export function base64Of(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString("base64");
}
