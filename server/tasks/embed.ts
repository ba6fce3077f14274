import { beyondTexts, type EmbedInput, embeddingList, inputsOf } from "../core/openai/vectors.ts";
import { estimateTokens } from "../core/prompt.ts";
import { TandemError, throwIfAborted } from "../errors.ts";
import type { Embeddings } from "../ports.ts";
import {
  type EmbeddingsEvent,
  type EmbeddingsParams,
  EmbeddingsResult,
  type EmbeddingsResult as Result,
} from "../protocol/openai.ts";
import { embeddings as definition } from "../protocol/requests.ts";
import type { Lease } from "../slot/lease.ts";
import type { OpenAiDeps } from "./deps.ts";
import { isEnginesFault } from "./fault.ts";
import { openaiEngine } from "./openaiEngine.ts";
import { withCeiling } from "./withCeiling.ts";

/** Batches of 32 texts keep an engine busy without holding everybody else up. */
const MOST_BATCH = 32;

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
  const { lease } = await openaiEngine({ ...wanted, hopeless }, deps, emit, signal);
  using _turn = lease;
  const work = { params, isRelayed: beyond !== null, lease };
  const { vectors, promptTokens: read } = await inBatches(inputs, work, deps, withCeiling(signal, deps.settings));
  checkLength(vectors, params, deps);
  const encoding = params.encoding_format ?? "float";
  return embeddingList(vectors, { model: lease.engine.model.id, promptTokens: read, encoding });
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

interface Work {
  readonly params: EmbeddingsParams;
  /** The server is asked in the client's own words, as there is something in them that `embed` does not have. */
  readonly isRelayed: boolean;
  readonly lease: Lease;
}

async function inBatches(
  inputs: readonly EmbedInput[],
  work: Work,
  { clock }: OpenAiDeps,
  signal: AbortSignal,
): Promise<Embeddings> {
  const { lease } = work;
  const startedMs = clock.nowMs();
  const vectors: (readonly number[])[] = [];
  let promptTokens = 0;
  try {
    for (let at = 0; at < inputs.length; at += MOST_BATCH) {
      const batch = inputs.slice(at, at + MOST_BATCH);
      const made = await (work.isRelayed ? relayBatch : embedBatch)(batch, work, signal);
      throwIfAborted(signal);
      vectors.push(...made.vectors);
      promptTokens += made.promptTokens;
    }
  } catch (error) {
    if (!signal.aborted && isEnginesFault(error)) lease.reportFailure(error);
    throw error;
  }
  lease.report({ promptTokens, prefillMs: clock.nowMs() - startedMs, completionTokens: 0, decodeMs: 0 });
  return { vectors, promptTokens };
}

async function embedBatch(batch: readonly EmbedInput[], { lease }: Work, signal: AbortSignal): Promise<Embeddings> {
  const { embed: make, model } = lease.engine;
  if (!make)
    throw new TandemError(
      "bad-request",
      `${model.label} writes text and makes no vectors`,
      'Set tandem.embed to an embedding model or an endpoint, and ask for "auto"',
      { details: { param: "model" } },
    );
  return make(
    batch.filter((it) => typeof it === "string"),
    signal,
  );
}

async function relayBatch(
  batch: readonly EmbedInput[],
  { params, lease }: Work,
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
