import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Call, Session } from "../../handlers.ts";
import {
  ChatCompletion,
  ChatParams,
  CompleteParams,
  Completion,
  EmbeddingsParams,
  EmbeddingsResult,
  ModelList,
} from "../../protocol/openai.ts";
import { type AnswerDeps, answerStream, answerWhole } from "./answer.ts";
import { json, jsonOrEvents, KEYS } from "./document.ts";
import { Refused } from "./refused.ts";

export interface OpenAiDeps extends AnswerDeps {
  readonly session: Session;
}

const Model = ModelList.shape.data.element;
const LISTING = { access: "listing" } as const;

/** OpenAI's paths. Their requests and answers are the contract's own. */
export function addOpenAiRoutes(app: FastifyInstance, deps: OpenAiDeps): void {
  const { handlers } = deps.session;
  const typed = app.withTypeProvider<ZodTypeProvider>();
  typed.post("/v1/chat/completions", { schema: CHAT }, ({ body }, reply) =>
    answer(reply, deps, { isStream: body.stream === true, work: (call) => handlers.chat(body, call) }),
  );
  typed.post("/v1/completions", { schema: COMPLETE }, ({ body }, reply) =>
    answer(reply, deps, { isStream: body.stream === true, work: (call) => handlers.complete(body, call) }),
  );
  typed.post("/v1/embeddings", { schema: EMBED }, ({ body }, reply) =>
    answerWhole(reply, deps, (call) => handlers.embeddings(body, call)),
  );
  typed.get("/v1/models", { config: LISTING, schema: LIST }, (_, reply) => listed(reply, deps));
  // Beside `/generate`, whose clients know it by this name.
  typed.get("/models", { config: LISTING, schema: { ...LIST, operationId: "models" } }, (_, reply) =>
    listed(reply, deps),
  );
  typed.get("/v1/models/:model", { config: LISTING, schema: RETRIEVE }, ({ params }, reply) =>
    found(params.model, reply, deps),
  );
  // Names with slashes in them, as they are on model hubs, from clients that do not encode them.
  typed.get(
    "/v1/models/*",
    { config: LISTING, schema: { hide: true, params: z.object({ "*": z.string() }) } },
    (it, reply) => found(it.params["*"], reply, deps),
  );
}

/** Not needed on loopback. */
const MAYBE_KEY = [{}, ...KEYS];
const CHAT = {
  operationId: "createChatCompletion",
  summary: "An answer to a conversation; with `stream`, as server-sent events of chunks",
  body: ChatParams,
  response: { 200: jsonOrEvents("The answer", ChatCompletion) },
};
const COMPLETE = {
  operationId: "createCompletion",
  summary: "A text continued; with `stream`, as server-sent events of chunks",
  body: CompleteParams,
  response: { 200: jsonOrEvents("The continuation", Completion) },
};
const EMBED = {
  operationId: "createEmbedding",
  summary: "Vectors of texts",
  body: EmbeddingsParams,
  response: { 200: json("One vector for each text", EmbeddingsResult) },
};
const LIST = {
  operationId: "listModels",
  summary: "What `model` may be in a request. On loopback no key is needed",
  security: MAYBE_KEY,
  response: { 200: json("The models", ModelList) },
};
const RETRIEVE = {
  operationId: "retrieveModel",
  summary: "One model by its name. On loopback no key is needed",
  params: z.object({ model: z.string() }),
  security: MAYBE_KEY,
  response: { 200: json("The model", Model) },
};

type TextEvent = { readonly kind: string; readonly chunk?: unknown };
type TextResult<Body> = { readonly kind: "whole"; readonly body: Body } | { readonly kind: "streamed" };

interface Asked<Event, Body> {
  readonly isStream: boolean;
  readonly work: (call: Call<Event>) => Promise<TextResult<Body>>;
}

async function answer<Event extends TextEvent, Body>(
  reply: FastifyReply,
  deps: AnswerDeps,
  { isStream, work }: Asked<Event, Body>,
): Promise<Body | undefined> {
  if (isStream) {
    const part = (event: Event) => (event.kind === "chunk" ? event.chunk : null);
    await answerStream<Event, unknown>(reply, deps, { work, part, end: () => "data: [DONE]\n\n" });
    return;
  }
  const result = await answerWhole(reply, deps, work);
  if (result.kind === "streamed") throw new Error("a stream came where none was asked for");
  return result.body;
}

function listed(reply: FastifyReply, { session, running }: OpenAiDeps): Promise<ModelList> {
  return session.handlers.listModels({}, { emit: () => undefined, signal: running.signalOf(reply.raw) });
}

async function found(id: string, reply: FastifyReply, deps: OpenAiDeps): Promise<z.output<typeof Model>> {
  const { data } = await listed(reply, deps);
  const model = data.find((it) => it.id === id);
  if (model) return model;
  throw new Refused(404, "model_not_found", `There is no model "${id}". /v1/models lists what there is`, {
    param: "model",
  });
}
