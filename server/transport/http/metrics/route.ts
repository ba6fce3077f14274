import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { Registry } from "prom-client";
import { z } from "zod";
import type { Tallied } from "../../../tally.ts";
import { quiet } from "../gpuRoutes.ts";
import type { OpenAiDeps } from "../openaiRoutes.ts";
import { addEngines } from "./engines.ts";
import { addGpus } from "./gpus.ts";
import { addProcess } from "./process.ts";
import { addTally } from "./tally.ts";

export interface MetricsDeps extends OpenAiDeps {
  readonly version: string;
  readonly tally: () => Tallied;
}

/** What Prometheus asks for at each scrape. It names models, cards and kinds of requests, and nothing that anybody wrote. */
export function addMetricsRoute(app: FastifyInstance, deps: MetricsDeps): void {
  app.withTypeProvider<ZodTypeProvider>().get("/metrics", { schema: METRICS }, async (_, reply) => {
    const status = await deps.session.handlers.status({}, quiet(reply, deps));
    const registry = new Registry();
    const tallied = deps.tally();
    addProcess(registry, { version: deps.version, startedMs: tallied.startedMs, status });
    addGpus(registry, status);
    addEngines(registry, status.engines);
    addTally(registry, tallied);
    const text = await registry.metrics();
    return reply.header("content-type", registry.contentType).send(text);
  });
}

const METRICS = {
  operationId: "metrics",
  summary: "GPUs, engines, requests and what the governor does, for Prometheus",
  response: { 200: { description: "Prometheus' text format", content: { "text/plain": { schema: z.string() } } } },
};
