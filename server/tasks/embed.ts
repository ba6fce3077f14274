import { fingerprintOf } from "../core/openai/fingerprint.ts";
import { beyondTexts, type EmbedInput, embeddingList, inputsOf } from "../core/openai/vectors.ts";
import { estimateTokens } from "../core/prompt.ts";
import { TandemError } from "../errors.ts";
import type { Embed, Embeddings } from "../ports.ts";
import {
  type EmbeddingsEvent,
  type EmbeddingsParams,
  EmbeddingsResult,
  type EmbeddingsResult as Result,
} from "../protocol/openai.ts";
import { embeddings as definition } from "../protocol/requests.ts";
import type { Lease } from "../scheduler.ts";
import type { OpenAiDeps } from "./deps.ts";
import { inBatches, type MakeBatch } from "./embedBatches.ts";
import { openaiEngine } from "./openaiEngine.ts";
import { withCeiling } from "./withCeiling.ts";

/** OpenAI's embeddings, by the engine the request names or the one that is set up for vectors. */
export async function embed(
  params: EmbeddingsParams,
  deps: OpenAiDeps,
  emit: (event: EmbeddingsEvent) => void,
  signal: AbortSignal,
): Promise<Result> {
  const inputs = inputsOf(params);
  const beyond = beyondTexts(params);
  const promptTokens = inputs.reduce((sum, it) => sum + (typeof it === "string" ? estimateTokens(it) : it.length), 0);
  const sizes = { promptTokens, outputTokens: 0 };
  const wanted = {
    method: definition.method,
    model: params.model,
    use: "embed",
    task: null,
    texts: [],
    ruled: null,
    cloud: null,
    ...sizes,
  } as const;
  const hopeless = beyond === null ? null : onlyRelayed(beyond);
  const startedMs = deps.clock.nowMs();
  const { lease } = await openaiEngine({ ...wanted, hopeless }, deps, emit, signal);
  const { model, vectorSource } = lease.engine;
  const make: MakeBatch = (batch, turn, ending) =>
    beyond === null ? embedBatch(batch, turn, ending) : relayBatch(batch, { params, lease: turn }, ending);
  const work = { ...deps, inputs, lease, emit, make };
  using ceiling = withCeiling(signal, deps.settings);
  const { vectors, promptTokens: read } = await inBatches(work, ceiling.signal);
  checkLength(vectors, params, deps);
  const [vector] = vectors;
  return embeddingList(vectors, {
    model: model.id,
    promptTokens: read,
    encoding: params.encoding_format ?? "float",
    fingerprint: fingerprintOf({ source: vectorSource ?? model.id, quantisation: model.quantisation, vector }),
    latencyMs: deps.clock.nowMs() - startedMs,
  });
}

/** Vectors of another length than the settings say are of another model, and would spoil an index. */
function checkLength(
  vectors: readonly (readonly number[])[],
  params: EmbeddingsParams,
  { settings }: Pick<OpenAiDeps, "settings">,
): void {
  const { dimensions } = settings.embed;
  const found = vectors[0]?.length;
  if (dimensions === null || found === undefined || found === dimensions || (params.dimensions ?? null) !== null)
    return;
  throw new TandemError(
    "not-configured",
    `The embedding model makes vectors of ${found} numbers, and ${dimensions} are set (embed.dimensions)`,
    "Correct roles.embed.dimensions (TANDEM_EMBED_DIMENSIONS), or name another model",
  );
}

async function embedBatch(batch: readonly EmbedInput[], { engine }: Lease, signal: AbortSignal): Promise<Embeddings> {
  const { embed: make, model } = engine;
  if (!make)
    throw new TandemError(
      "bad-request",
      `${model.label} writes text and makes no vectors`,
      'Set tandem.embed to an embedding model or an endpoint, and ask for "auto"',
      { details: { param: "model" } },
    );
  const texts = batch.filter((it) => typeof it === "string");
  try {
    return await make(texts, signal);
  } catch (error) {
    const isUnnamed = error instanceof TandemError && error.code === "context-length" && !error.details?.index;
    if (!isUnnamed || engine.relay === null) throw error;
    return await oneByOne(texts, make, signal);
  }
}

/** Servers say that a text is too long, and not which. Where none of them is alone, they were only too much together. */
async function oneByOne(texts: readonly string[], make: Embed, signal: AbortSignal): Promise<Embeddings> {
  const made: Embeddings[] = [];
  for (const [index, text] of texts.entries())
    try {
      made.push(await make([text], signal));
    } catch (error) {
      if (!(error instanceof TandemError) || error.code !== "context-length") throw error;
      const message = `Text ${index + 1} of ${texts.length} is too long: ${error.message}`;
      throw new TandemError(
        error.code,
        message,
        "Cut the text into shorter ones, or choose a model with a larger context",
        {
          cause: error,
          details: { ...error.details, index },
        },
      );
    }
  return {
    vectors: made.flatMap((it) => it.vectors),
    promptTokens: made.reduce((sum, it) => sum + it.promptTokens, 0),
  };
}

async function relayBatch(
  batch: readonly EmbedInput[],
  { params, lease }: { readonly params: EmbeddingsParams; readonly lease: Lease },
  signal: AbortSignal,
): Promise<Embeddings> {
  const { relay, device } = lease.engine;
  if (!relay) throw new Error(`${device} takes no requests of OpenAI's API`);
  const body = { ...params, input: batch, encoding_format: "float" };
  const reply = await relay({ path: "/embeddings", body }, signal);
  const list = EmbeddingsResult.pick({ data: true, usage: true })
    .partial({ usage: true })
    .safeParse(reply.kind === "whole" ? reply.body : null);
  const inOrder = list.data?.data.toSorted((a, b) => a.index - b.index) ?? [];
  const vectors = inOrder.flatMap(({ index, embedding }, at) =>
    index === at && typeof embedding !== "string" ? [embedding] : [],
  );
  if (vectors.length !== batch.length)
    throw new TandemError(
      "provider",
      `The answer of ${device} is no list of ${batch.length} vectors`,
      "Look at the server's own log",
      { cause: list.error },
    );
  return { vectors, promptTokens: list.data?.usage?.prompt_tokens ?? 0 };
}

function onlyRelayed(param: string): TandemError {
  const what = param === "input" ? "an input of tokens" : param;
  return new TandemError(
    "bad-request",
    `This engine cannot do ${what}`,
    "Send texts without it, or set tandem.embed.endpoint: servers take such requests as they are",
    { details: { param } },
  );
}
