import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { gigabytes, llmHealthAnswer, memoryStatsAnswer, onGpus } from "../../protocol/gpuAnswers.ts";
import {
  LlmGenerateAnswer,
  LlmGenerateParams,
  LlmHealthAnswer,
  LlmLoadAnswer,
  LlmLoadParams,
  LlmModelsAnswer,
  MemoryStatsAnswer,
} from "../../protocol/gpuApi.ts";
import { ChatParams } from "../../protocol/openai.ts";
import { json, KEYS } from "./document.ts";
import { quiet } from "./gpuRoutes.ts";
import { healthOf } from "./health.ts";
import type { OpenAiDeps } from "./openaiRoutes.ts";
import { Refused } from "./refused.ts";

/** Local models as a service of its own: what there is, loading before the first request, several prompts at once, whose memory is whose. */
export function addLlmRoutes(app: FastifyInstance, deps: OpenAiDeps): void {
  const { handlers } = deps.session;
  const typed = app.withTypeProvider<ZodTypeProvider>();
  typed.get("/llm/models", { config: LISTING, schema: MODELS }, (_, reply) => modelsOf(reply, deps));
  typed.post("/llm/models/load", { schema: LOAD }, async ({ body }, reply): Promise<LlmLoadAnswer> => {
    await requireQuantization(body, reply, deps);
    const engine = await handlers.load({ engine: body.model_name }, quiet(reply, deps));
    const held = gigabytes(onGpus(engine)) ?? 0;
    return { model_name: engine.model.id, device: engine.device, vram_gb: held, status: engine.state };
  });
  typed.get("/llm/health", { config: LISTING, schema: HEALTH }, async (_, reply) => {
    const status = await handlers.status({}, quiet(reply, deps));
    return llmHealthAnswer(status, healthOf(status));
  });
  typed.get("/memory/stats", { schema: MEMORY }, async (_, reply) =>
    memoryStatsAnswer(await handlers.status({}, quiet(reply, deps))),
  );
  typed.post("/llm/generate", { schema: GENERATE }, async ({ body }, reply) => {
    await requireQuantization(body, reply, deps);
    return await generateAll(body, reply, deps);
  });
}

/** Engines of the session, then what else could be loaded by name. */
async function modelsOf(reply: FastifyReply, deps: OpenAiDeps): Promise<LlmModelsAnswer> {
  const { handlers } = deps.session;
  const { models } = await handlers.models({}, quiet(reply, deps));
  const { engines } = await handlers.status({}, quiet(reply, deps));
  const ready = new Set(engines.filter((it) => it.state === "ready").map((it) => it.model.id));
  const known = models.map((it) => ({
    model_name: it.id,
    label: it.label,
    quantization: it.quantisation,
    context_tokens: it.contextTokens,
    file_gb: gigabytes(it.bytes) ?? 0,
    is_downloaded: it.isCached,
    is_loaded: ready.has(it.id),
  }));
  return { models: known };
}

/** Each prompt is a request of its own, so that they share the engine's slots; the first failure ends the others. */
async function generateAll(body: LlmGenerateParams, reply: FastifyReply, deps: OpenAiDeps): Promise<LlmGenerateAnswer> {
  const { handlers } = deps.session;
  const { model_name, prompts, system_prompt, temperature, max_tokens } = body;
  const system = system_prompt === undefined ? [] : [{ role: "system" as const, content: system_prompt }];
  const ending = new AbortController();
  const call = quiet(reply, deps);
  const signal = AbortSignal.any([call.signal, ending.signal]);
  const answers = prompts.map(async (content) => {
    const messages = [...system, { role: "user" as const, content }];
    const params = ChatParams.parse({ model: model_name, messages, temperature, max_tokens });
    const result = await handlers.chat(params, { ...call, signal });
    if (result.kind === "streamed") throw new Error("a stream came where none was asked for");
    return result.body;
  });
  try {
    const all = await Promise.all(answers);
    return {
      request_id: randomUUID(),
      contents: all.map((it) => String(it.choices?.[0]?.message?.content ?? "")),
      prompt_tokens: all.map((it) => it.usage?.prompt_tokens ?? 0),
      completion_tokens: all.map((it) => it.usage?.completion_tokens ?? 0),
      model_name: all[0]?.model ?? model_name,
    };
  } catch (error) {
    ending.abort(error);
    await Promise.allSettled(answers);
    throw error;
  }
}

/** GGUF's names of what these mean. */
const QUANTIZATIONS = { int4: /Q4|IQ4/i, int8: /Q8/i, float16: /F16/i } as const;

/** A file has one quantisation; another one than it has cannot be asked of it. */
async function requireQuantization(
  { model_name, quantization }: Pick<LlmGenerateParams, "model_name" | "quantization">,
  reply: FastifyReply,
  deps: OpenAiDeps,
): Promise<void> {
  if (quantization === undefined) return;
  const { models } = await modelsOf(reply, deps);
  const here = models.find((it) => it.model_name === model_name || it.label === model_name)?.quantization;
  if (here === undefined || here === null || QUANTIZATIONS[quantization].test(here)) return;
  throw new Refused(
    400,
    "invalid_value",
    `${model_name} is here as ${here}. Leave quantization out, or name another model`,
    {
      param: "quantization",
    },
  );
}

const LISTING = { access: "listing" } as const;
/** Not needed on loopback. */
const MAYBE_KEY = [{}, ...KEYS];
const MODELS = {
  operationId: "llmModels",
  summary: "The models that can be loaded by name, and which are. On loopback no key is needed",
  security: MAYBE_KEY,
  response: { 200: json("The models", LlmModelsAnswer) },
};
const LOAD = {
  operationId: "llmLoadModel",
  summary: "Loads a model before the first request; downloads it where it is not here",
  body: LlmLoadParams,
  response: { 200: json("It is loaded", LlmLoadAnswer) },
};
const HEALTH = {
  operationId: "llmHealth",
  summary: "Which models are loaded, and how the governor of memory is. On loopback no key is needed",
  security: MAYBE_KEY,
  response: { 200: json("How it is", LlmHealthAnswer) },
};
const MEMORY = {
  operationId: "memoryStats",
  summary: "Each GPU's memory and main memory, and whose they are",
  response: { 200: json("Whose it is", MemoryStatsAnswer) },
};
const GENERATE = {
  operationId: "llmGenerate",
  summary: "An answer to each of several prompts",
  body: LlmGenerateParams,
  response: { 200: json("The answers, in the prompts' order", LlmGenerateAnswer) },
};
