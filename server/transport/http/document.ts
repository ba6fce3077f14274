import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import {
  ChatCompletion,
  ChatParams,
  CompleteParams,
  Completion,
  EmbeddingsParams,
  EmbeddingsResult,
  ModelList,
} from "../../protocol/openai.ts";
import { OpenAiErrorBody } from "../../protocol/openaiError.ts";
import { DECISION_HEADERS } from "./decision.ts";
import { Health } from "./health.ts";

/** Schemas that have a name in the document; others stand where they are used. */
const named = z.registry<{ id: string }>();
named.add(ChatParams, { id: "ChatCompletionRequest" });
named.add(ChatCompletion, { id: "ChatCompletion" });
named.add(CompleteParams, { id: "CompletionRequest" });
named.add(Completion, { id: "Completion" });
named.add(EmbeddingsParams, { id: "EmbeddingsRequest" });
named.add(EmbeddingsResult, { id: "Embeddings" });
named.add(ModelList, { id: "ModelList" });
named.add(Health, { id: "Health" });
named.add(OpenAiErrorBody, { id: "Error" });

/** What each failure means, for every path; all are in OpenAI's shape. */
const FAILURES: Readonly<Record<string, string>> = {
  400: "The request is not understood, or does not fit the model; `param` says where",
  401: "The key is missing or wrong",
  403: "The Host or Origin header is not allowed",
  404: "There is no such path or model",
  405: "The path knows other methods",
  408: "The request came too slowly",
  413: "The body is too large, or the prompt does not fit the model's context (`context_length_exceeded`)",
  415: "The body is not JSON",
  429: "Too many requests at once",
  431: "The headers are too long",
  500: "Tandem itself failed",
  502: "The engine failed, or answered what nobody can use",
  503: "Nothing is set up that could answer, the engine is down or switched off for now, or the server is leaving",
  504: "The engine did not answer in time; the message names the limit and its setting",
  507: "The model does not fit in memory or on the disk",
};
const RETRYING = new Set(["429", "503"]);
const METHODS = ["get", "post"] as const;

interface Operation {
  security?: readonly object[];
  responses: Record<string, object>;
  requestBody?: object;
}
type Paths = Record<string, Partial<Record<(typeof METHODS)[number], Operation>>>;

/** Publishes what routes there are and what they take and answer, as OpenAPI 3.1. */
export async function describe(app: FastifyInstance, version: string): Promise<void> {
  const components = createJsonSchemaTransformObject({ schemaRegistry: named });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Tandem",
        version,
        description: "OpenAI's API, answered by the models of this machine and the endpoints it knows.",
        license: { name: "MIT", identifier: "MIT" },
      },
      // Relative: the document is asked for at the address it describes.
      servers: [{ url: "/" }],
      security: KEYS,
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    transform: createJsonSchemaTransform({ schemaRegistry: named }),
    transformObject: (document) => {
      // The library tells a schema's two forms, sent and answered, apart by their names; these have one form each.
      const text = JSON.stringify(components(document)).replaceAll("RequestInput", "Request");
      return finished(JSON.parse(text)) as unknown as ReturnType<typeof components>;
    },
  });
}

/** An answer in JSON, as a route declares it. */
export function json<Body extends z.ZodType>(description: string, body: Body) {
  return { description, content: { "application/json": { schema: body } } };
}

/** An answer that comes whole or, where the request says so, as server-sent events. */
export function jsonOrEvents<Body extends z.ZodType>(description: string, body: Body) {
  const { content } = json(description, body);
  return { description, content: { ...content, "text/event-stream": { schema: EVENTS } } };
}

const EVENTS = z.string();
const SECURITY_SCHEMES = {
  bearer: { type: "http", scheme: "bearer" },
  apiKey: { type: "apiKey", in: "header", name: "api-key" },
  internalApiKey: { type: "apiKey", in: "header", name: "x-internal-api-key" },
} as const;
/** Any one of them will do. */
export const KEYS = Object.keys(SECURITY_SCHEMES).map((name) => ({ [name]: [] }));

interface Document {
  readonly paths: Paths;
  readonly components: { readonly schemas: Record<string, unknown> };
}

/** Adds to every operation what holds for all of them: failures, and headers that name the decision. */
function finished(document: Document): Document {
  for (const [path, operations] of Object.entries(document.paths))
    for (const method of METHODS) {
      const operation = operations[method];
      if (!operation) continue;
      for (const [status, response] of Object.entries(operation.responses))
        if (method === "post" && path.startsWith("/v1/") && !path.startsWith("/v1/gpu/"))
          operation.responses[status] = { ...response, headers: headerRefs(DECISION_HEADERS) };
      for (const status of Object.keys(FAILURES))
        operation.responses[status] ??= { $ref: `#/components/responses/Error${status}` };
    }
  const { schemas, ...components } = document.components;
  const failures = Object.entries(FAILURES).map(([status, description]) => [
    `Error${status}`,
    failure(status, description),
  ]);
  const headers = Object.entries({ ...DECISION_HEADERS, "retry-after": "Seconds to wait" }).map(
    ([name, description]) => [name, { description, schema: { type: "string" } }],
  );
  const all = { ...components, responses: Object.fromEntries(failures), headers: Object.fromEntries(headers) };
  const used = usedSchemas({ ...document, components: all }, schemas);
  return { ...document, components: { ...all, schemas: used } };
}

function failure(status: string, description: string): object {
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
  const headers = RETRYING.has(status) ? { headers: headerRefs({ "retry-after": "" }) } : {};
  return { description, ...headers, content };
}

function headerRefs(names: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.keys(names).map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** Every schema comes in two forms, as it is sent and as it is answered; most are used in one. */
function usedSchemas(from: unknown, schemas: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const used: Record<string, unknown> = {};
  const waiting = [from];
  while (waiting.length > 0)
    for (const [, name = ""] of JSON.stringify(waiting.pop()).matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      if (name in schemas && !(name in used)) {
        used[name] = schemas[name];
        waiting.push(schemas[name]);
      }
  return used;
}
