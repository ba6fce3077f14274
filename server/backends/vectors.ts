import { z } from "zod";
import { abortError, TandemError } from "../errors.ts";
import type { Embed, Embeddings } from "../ports.ts";
import { readWhole } from "./connection.ts";
import { brokenAnswer, isErrorData, parseJson, readRefusal, statusIn } from "./refusal.ts";
import { refusedTry, retried, tryFailed } from "./retry.ts";
import { deadlineOf, patience, type Server } from "./server.ts";
import { createCeiling } from "./watchdog.ts";

/** Rough, for servers that do not count: English and code come to about four characters a token. */
const CHARS_PER_TOKEN = 4;
const FLOAT_BYTES = 4;

const EmbeddingList = z.object({
  data: z.array(
    z.object({
      index: z.int().optional(),
      // Base64 is what OpenAI's own clients ask for, and some gateways answer with nothing else.
      embedding: z.union([z.array(z.number()), z.base64().transform(floatsOf)]),
    }),
  ),
  usage: z.object({ prompt_tokens: z.number().nullish() }).nullish(),
});
type EmbeddingList = z.output<typeof EmbeddingList>;

interface VectorsGiven extends Server {
  readonly modelName: string;
}

/** Vectors by `/v1/embeddings`: llama-server, vLLM, Ollama and LM Studio all have it. One request for all the texts. */
export function createEmbed(given: VectorsGiven): Embed {
  return async (texts, signal) => {
    if (texts.length === 0) return { vectors: [], promptTokens: 0 };
    const deadlineMs = deadlineOf(given, undefined);
    return retried(patience(given, { deadlineMs }), () => askOnce({ ...given, deadlineMs }, texts, signal), signal);
  };
}

async function askOnce(
  given: VectorsGiven & { readonly deadlineMs: number },
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Embeddings> {
  const { connection, address, modelName } = given;
  const { host } = address;
  using _ = given.load.begin();
  using ceiling = createCeiling({ ...given, host });
  const any = AbortSignal.any([signal, ceiling.signal]);
  try {
    const reply = await connection.post(`${address.api}/embeddings`, { model: modelName, input: texts }, any);
    const text = await readWhole(reply, host, any);
    const body = parseJson(text);
    if (reply.status !== 200) throw refusedTry(reply, { error: refused(given, reply.status, text) });
    if (isErrorData(body)) throw refused(given, statusIn(body), text);
    const list = EmbeddingList.safeParse(body);
    if (!list.success) throw brokenAnswer(host, "is no list of vectors");
    return inOrder(list.data, texts, host);
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    throw ceiling.signal.aborted ? abortError(ceiling.signal) : tryFailed(error, host);
  }
}

function inOrder({ data, usage }: EmbeddingList, texts: readonly string[], host: string): Embeddings {
  const vectors: (readonly number[] | undefined)[] = texts.map(() => undefined);
  for (const [position, { index = position, embedding }] of data.entries()) {
    if (index < 0 || index >= texts.length || vectors[index] !== undefined)
      throw brokenAnswer(host, `has a vector for text ${index}, of ${texts.length}, that nobody asked for`);
    vectors[index] = embedding;
  }
  const whole = vectors.filter((it) => it !== undefined);
  if (whole.length < texts.length) throw brokenAnswer(host, `has ${whole.length} vectors for ${texts.length} texts`);
  const dimensions = whole[0]?.length ?? 0;
  const odd = whole.find((it) => it.length !== dimensions);
  if (odd !== undefined) throw brokenAnswer(host, `mixes vectors of ${dimensions} and of ${odd.length} numbers`);
  if (dimensions === 0) throw brokenAnswer(host, "has empty vectors");
  if (whole.some((vector) => !vector.every(Number.isFinite)))
    throw brokenAnswer(host, "has vectors that are no numbers");
  const chars = texts.reduce((sum, text) => sum + text.length, 0);
  return { vectors: whole, promptTokens: usage?.prompt_tokens ?? Math.ceil(chars / CHARS_PER_TOKEN) };
}

/** Little-endian 32-bit floats, as OpenAI's API has them. What does not come out even is no vector. */
function floatsOf(base64: string, ctx: z.RefinementCtx): number[] {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length % FLOAT_BYTES !== 0) ctx.addIssue("not a whole number of floats");
  return Array.from({ length: Math.floor(bytes.length / FLOAT_BYTES) }, (_, at) => bytes.readFloatLE(at * FLOAT_BYTES));
}

function refused({ address, apiKey }: VectorsGiven, status: number, body: string): TandemError {
  const { error, message } = readRefusal({ status, body, host: address.host, apiKey });
  // llama-server answers 501 or, of a model without a way to pool, 400; Ollama and vLLM say it in words; without the route it is 404.
  const isNoEmbedder = status === 501 || /not support (the )?embedding|pooling type/i.test(message);
  if (!isNoEmbedder && (status !== 404 || error.code === "model-unavailable")) return error;
  return new TandemError(
    "not-configured",
    `${address.host} makes no vectors${message === "" ? "" : `: ${message}`}`,
    "Choose an embedding model, on a server that makes vectors with it; a llama-server needs --embeddings",
    { cause: error, details: { ...error.details } },
  );
}
