import { z } from "zod";
import type { FoundModel, FoundServer, ServerKind } from "../protocol/registry.ts";
import type { Said } from "./ask.ts";

/** What an address was asked for, and what it said to each; null: nothing. */
export type Answers = { readonly [Path in (typeof PATHS)[number]]: Said | null };

/** Every kind of server answers some of them. */
export const PATHS = [
  "/v1/models",
  "/props",
  "/version",
  "/api/version",
  "/api/tags",
  "/api/ps",
  "/api/v0/models",
] as const;

/** More models of one server are not listed. */
const MOST_MODELS = 500;

const Version = z.object({ version: z.string().max(100) });

/** What all of them list at `/v1/models`. */
const Listed = z.object({
  data: z.array(
    z.object({
      id: z.string().min(1).max(500),
      owned_by: z.string().nullish(),
      /** vLLM: the context it was started with. */
      max_model_len: z.int().positive().nullish(),
      /** llama-server. */
      meta: z.object({ n_ctx: z.int().nullish(), size: z.number().nullish() }).nullish(),
      /** llama-server as a router between models. */
      status: z.object({ value: z.string() }).nullish(),
    }),
  ),
});

/** llama-server's, and nobody else's. */
const Props = z.object({
  default_generation_settings: z.object({ n_ctx: z.int() }),
  model_path: z.string().optional(),
  build_info: z.string().optional(),
  role: z.string().optional(),
});

const OllamaTags = z.object({
  models: z.array(
    z.object({
      name: z.string().min(1).max(500),
      size: z.number().nullish(),
      details: z.object({ family: z.string().nullish() }).nullish(),
    }),
  ),
});
const OllamaPs = z.object({
  models: z.array(z.object({ name: z.string(), context_length: z.int().nullish() })),
});

const LmStudio = z.object({
  data: z.array(
    z.object({
      id: z.string().min(1).max(500),
      /** "llm", "vlm" or "embeddings". */
      type: z.string(),
      /** "loaded" or "not-loaded". */
      state: z.string(),
      loaded_context_length: z.int().nullish(),
      max_context_length: z.int().nullish(),
    }),
  ),
});

type Identified = Pick<FoundServer, "kind" | "version" | "needsKey" | "models">;

/** Which kind of server gave these answers, and what it has; null: none that is known, or Tandem itself. */
export function identify(answers: Answers): Identified | null {
  const listed = read(Listed, answers["/v1/models"]);
  if (listed?.data.some((it) => it.owned_by === "tandem")) return null;
  const found =
    ollama(answers) ?? lmStudio(answers) ?? llamaServer(answers, listed) ?? vllm(answers, listed) ?? locked(answers);
  if (found) return found;
  return listed && listed.data.length > 0
    ? { ...nothing("openai"), models: listed.data.map((it) => plain(it.id)) }
    : null;
}

function ollama(answers: Answers): Identified | null {
  const version = read(Version, answers["/api/version"]);
  const tags = read(OllamaTags, answers["/api/tags"]);
  if (!version || !tags) return null;
  const loaded = new Map(read(OllamaPs, answers["/api/ps"])?.models.map((it) => [it.name, it.context_length ?? null]));
  const models = tags.models.slice(0, MOST_MODELS).map(
    ({ name, size, details }): FoundModel => ({
      ...plain(name),
      bytes: size ?? null,
      isLoaded: loaded.has(name),
      // Ollama's embedding models are BERT's kin; of the others it does not say.
      use: details?.family?.includes("bert") ? "embed" : null,
      contextTokens: loaded.get(name) ?? null,
    }),
  );
  return { ...nothing("ollama"), version: version.version, models };
}

function lmStudio(answers: Answers): Identified | null {
  const list = read(LmStudio, answers["/api/v0/models"]);
  if (!list) return null;
  const models = list.data.slice(0, MOST_MODELS).map(
    (it): FoundModel => ({
      ...plain(it.id),
      isLoaded: it.state === "loaded",
      use: it.type === "embeddings" ? "embed" : "write",
      contextTokens: it.loaded_context_length ?? it.max_context_length ?? null,
    }),
  );
  return { ...nothing("lm-studio"), models };
}

function llamaServer(answers: Answers, listed: z.output<typeof Listed> | null): Identified | null {
  const props = read(Props, answers["/props"]);
  const isOne = props !== null || listed?.data.some((it) => it.owned_by === "llamacpp") === true;
  if (!isOne) return null;
  const isRouter = props?.role === "router";
  const models = (listed?.data ?? []).slice(0, MOST_MODELS).map(
    ({ id, meta, status }): FoundModel => ({
      ...plain(id),
      path: isRouter ? null : (props?.model_path ?? null),
      bytes: meta?.size ?? null,
      isLoaded: status ? status.value === "loaded" : true,
      contextTokens: meta?.n_ctx ?? (props?.default_generation_settings.n_ctx || null),
    }),
  );
  return {
    ...nothing("llama-server"),
    version: props?.build_info ?? null,
    needsKey: isShut(answers["/props"]),
    models,
  };
}

function vllm(answers: Answers, listed: z.output<typeof Listed> | null): Identified | null {
  const version = read(Version, answers["/version"]);
  if (!listed?.data.some((it) => it.owned_by === "vllm")) return null;
  const models = listed.data
    .slice(0, MOST_MODELS)
    .map(
      ({ id, max_model_len }): FoundModel => ({ ...plain(id), isLoaded: true, contextTokens: max_model_len ?? null }),
    );
  return { ...nothing("vllm"), version: version?.version ?? null, models };
}

/** It asks for a key before it says anything; only its header or its open version tells what it is. */
function locked(answers: Answers): Identified | null {
  const list = answers["/v1/models"];
  if (!isShut(list)) return null;
  const isLlama = list?.server === "llama.cpp";
  // vLLM keeps /v1 alone behind its key.
  const version = read(Version, answers["/version"]);
  const kind: ServerKind = isLlama ? "llama-server" : version ? "vllm" : "openai";
  return { ...nothing(kind), version: version?.version ?? null, needsKey: true };
}

function isShut(said: Said | null): boolean {
  return said?.status === 401 || said?.status === 403;
}

function nothing(kind: ServerKind): Identified {
  return { kind, version: null, needsKey: false, models: [] };
}

function plain(name: string): FoundModel {
  return { name, path: null, bytes: null, isLoaded: null, use: null, contextTokens: null };
}

/** LM Studio answers every path with 200 and says in words that there is none: only the shape counts. */
function read<T>(schema: z.ZodType<T>, said: Said | null): T | null {
  const parsed = said?.status === 200 ? schema.safeParse(said.body) : null;
  return parsed?.success ? parsed.data : null;
}
