import type { FastifyInstance } from "fastify";
import { validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import type { Session } from "../../handlers.ts";
import type { AnswerDeps } from "./answer.ts";
import { describe } from "./document.ts";
import { Health, type HealthSource, healthOf } from "./health.ts";

export interface RouteDeps extends AnswerDeps {
  readonly session: Session;
  readonly version: string;
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
      schema: { operationId: "health", summary: "How Tandem is", security: [], response: { 200: Health, 503: Health } },
    },
    async (_, reply) => {
      const status = healthOf(deps.status());
      return reply.code(status === "down" ? 503 : 200).send({ status, version: deps.version });
    },
  );
  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
}
