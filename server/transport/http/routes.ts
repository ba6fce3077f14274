import type { FastifyInstance } from "fastify";
import { validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { describe, json } from "./document.ts";
import { addGpuRoutes } from "./gpuRoutes.ts";
import { Health, type HealthSource, healthOf } from "./health.ts";
import { addLlmRoutes } from "./llmRoutes.ts";
import { addMetricsRoute, type MetricsDeps } from "./metrics/route.ts";
import { addOpenAiRoutes } from "./openaiRoutes.ts";
import { addSimpleRoutes } from "./simpleRoutes.ts";

export interface RouteDeps extends MetricsDeps {
  readonly status: () => HealthSource;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may ask without the key: everybody, or, for lists of models, everybody on this machine. */
    readonly access?: "all" | "listing";
  }
}

/** All the door's paths. */
export async function addRoutes(app: FastifyInstance, deps: RouteDeps): Promise<void> {
  app.setValidatorCompiler(validatorCompiler);
  // What the handlers return has its type; it is not checked a second time.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  await describe(app, deps.version);
  const typed = app.withTypeProvider<ZodTypeProvider>();
  typed.get(
    "/health",
    {
      config: { access: "all" },
      schema: HEALTH,
    },
    async (_, reply) => {
      const status = healthOf(deps.status());
      return reply.code(status === "down" ? 503 : 200).send({ status, version: deps.version });
    },
  );
  typed.get("/openapi.json", { schema: DESCRIPTION }, () => ({ ...app.swagger() }));
  addOpenAiRoutes(app, deps);
  addSimpleRoutes(app, deps);
  addGpuRoutes(app, deps);
  addLlmRoutes(app, deps);
  addMetricsRoute(app, deps);
}

const HEALTH = {
  operationId: "health",
  summary: "How Tandem is. No key is needed",
  security: [],
  response: { 200: json("It can answer", Health), 503: json("It is down", Health) },
};
const DESCRIPTION = {
  operationId: "describe",
  summary: "This description",
  response: { 200: json("OpenAPI 3.1", z.looseObject({})) },
};
