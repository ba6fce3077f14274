import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Call } from "../../handlers.ts";
import { Benchmark, bench } from "../../protocol/benchmark.ts";
import { gigabytes, gpuStatusAnswer, rebalanceAnswer } from "../../protocol/gpuAnswers.ts";
import {
  BenchmarkQuery,
  ForecastAnswer,
  ForecastQuery,
  GpuStatusAnswer,
  OptimalAnswer,
  OptimalQuery,
  RebalanceAnswer,
} from "../../protocol/gpuApi.ts";
import { gpuForecast, rank } from "../../protocol/outlook.ts";
import type { AnswerDeps } from "./answer.ts";
import { json } from "./document.ts";
import type { OpenAiDeps } from "./openaiRoutes.ts";

/** A call whose events nobody hears. */
export function quiet(reply: FastifyReply, { running }: AnswerDeps): Call<unknown> {
  return { emit: () => undefined, signal: running.signalOf(reply.raw) };
}

/** GPUs, what they will be, what suits them, and what they can do. */
export function addGpuRoutes(app: FastifyInstance, deps: OpenAiDeps): void {
  const { handlers } = deps.session;
  const typed = app.withTypeProvider<ZodTypeProvider>();
  typed.get("/v1/gpu/status", { schema: STATUS }, async (_, reply) =>
    gpuStatusAnswer(await handlers.status({}, quiet(reply, deps))),
  );
  typed.get("/v1/gpu/memory-forecast", { schema: FORECAST }, async ({ query: { hours } }, reply) => {
    const found = await handlers.gpuForecast(gpuForecast.params.parse({ hours }), quiet(reply, deps));
    return forecastAnswer(hours, found.gpus);
  });
  typed.get("/v1/gpu/models-optimal", { schema: OPTIMAL }, async ({ query }, reply): Promise<OptimalAnswer> => {
    const { candidates } = await handlers.rank(rank.params.parse({}), quiet(reply, deps));
    const { engines } = await handlers.status({}, quiet(reply, deps));
    const models = candidates.map(({ engine, device, model, cost, why }) => {
      const status = engines.find((it) => it.id === engine);
      const failures = status?.failures ?? 0;
      const name = status?.model.id ?? model;
      const is = { is_loaded: status?.state === "ready", failure_count: failures };
      return { model_name: name, engine, device, estimated_ms: cost.totalMs, ...is, reason: why };
    });
    return { agent_type: query.agent_type, models };
  });
  typed.post("/v1/gpu/rebalance", { schema: REBALANCE }, async (_, reply) =>
    rebalanceAnswer(await handlers.status({}, quiet(reply, deps))),
  );
  typed.post("/v1/gpu/benchmark-model", { schema: BENCHMARK }, async ({ query: { model_name } }, reply) => {
    const found = await handlers.bench(bench.params.parse({ models: [model_name] }), quiet(reply, deps));
    return { model_name, benchmark: found.benchmarks[0] };
  });
}

type Forecasts = z.output<typeof gpuForecast.result>["gpus"];

function forecastAnswer(hours: number, gpus: Forecasts): ForecastAnswer {
  const left = (total: number | null, used: number | null) =>
    total === null || used === null ? null : gigabytes(total - used);
  return {
    hours,
    gpus: gpus.map((it) => ({
      uuid: it.uuid,
      name: it.name,
      current_used_gb: gigabytes(it.usedBytes),
      memory_total_gb: gigabytes(it.totalBytes),
      projected_used_gb: gigabytes(it.projectedBytes),
      projected_from_gb: gigabytes(it.fromBytes),
      projected_to_gb: gigabytes(it.toBytes),
      projected_headroom_gb: left(it.totalBytes, it.projectedBytes),
      available_for_inference_gb: left(it.totalBytes, it.usedBytes),
      samples: it.samples,
      span_minutes: Math.round(it.spanMs / 60_000),
      why: it.why,
    })),
  };
}

const STATUS = {
  operationId: "gpuStatus",
  summary: "The GPUs as they were last read, and the models",
  response: { 200: json("The status", GpuStatusAnswer) },
};
const FORECAST = {
  operationId: "gpuMemoryForecast",
  summary: "How much of each GPU's memory will be in use in so many hours, by the trend of its history",
  querystring: ForecastQuery,
  response: { 200: json("The forecast", ForecastAnswer) },
};
const OPTIMAL = {
  operationId: "gpuOptimalModels",
  summary: "The models that write, the one that would be done first before the others. `agent_type` is only repeated",
  querystring: OptimalQuery,
  response: { 200: json("The models", OptimalAnswer) },
};
const REBALANCE = {
  operationId: "gpuRebalance",
  summary: "What would give the GPUs room or rest. Nothing is done: the governor unloads by itself what must go",
  response: { 200: json("What would help", RebalanceAnswer) },
};
const BENCHMARK = {
  operationId: "gpuBenchmarkModel",
  summary: "Measures a model here, as background work. It takes as long as it takes",
  querystring: BenchmarkQuery,
  response: { 200: json("What was measured", z.object({ model_name: z.string(), benchmark: Benchmark.optional() })) },
};
