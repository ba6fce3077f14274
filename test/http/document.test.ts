import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { startDoor, type TestDoor } from "./door.ts";
import { BEARER } from "./rows.ts";

const Reference = z.strictObject({ $ref: z.string() });
const Content = z.record(z.string(), z.strictObject({ schema: z.looseObject({}) }));
const Header = z.strictObject({ description: z.string(), schema: z.looseObject({}) });
const Response = z.strictObject({
  description: z
    .string()
    .min(1)
    .regex(/^(?!Default Response)/),
  headers: z.record(z.string(), z.union([Reference, Header])).optional(),
  content: Content.optional(),
});
const Operation = z.strictObject({
  operationId: z.string(),
  summary: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z
    .array(
      z.strictObject({
        in: z.enum(["path", "query"]),
        name: z.string(),
        required: z.boolean(),
        schema: z.looseObject({}),
      }),
    )
    .optional(),
  requestBody: z.strictObject({ required: z.literal(true), content: Content }).optional(),
  responses: z.record(z.string().regex(/^[1-5]\d\d$/), z.union([Reference, Response])),
});
/** What the OpenAPI 3.1 specification requires of the parts that this document uses, and no part besides. */
const OpenApi = z.strictObject({
  openapi: z.literal("3.1.0"),
  info: z.strictObject({
    title: z.string(),
    version: z.string(),
    description: z.string(),
    license: z.strictObject({ name: z.string(), identifier: z.string() }),
  }),
  servers: z.array(z.strictObject({ url: z.string() })),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  paths: z.record(
    z.string().startsWith("/"),
    z.strictObject({ get: Operation.optional(), post: Operation.optional() }),
  ),
  components: z.strictObject({
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.enum(["http", "apiKey"]) })),
    responses: z.record(z.string(), Response),
    headers: z.record(z.string(), Header),
    schemas: z.record(z.string(), z.looseObject({})),
  }),
});

let door: TestDoor;
let text: string;
let document: z.output<typeof OpenApi>;
before(async () => {
  door = await startDoor({});
  text = await (await fetch(`${door.url}/openapi.json`, { headers: BEARER })).text();
  document = OpenApi.parse(JSON.parse(text));
});
after(() => door[Symbol.asyncDispose]());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, { get, post }]) => [
    ...(get ? [{ path, method: "GET", operation: get }] : []),
    ...(post ? [{ path, method: "POST", operation: post }] : []),
  ]);

test("every path is in it", () => {
  assert.deepEqual(
    operations()
      .map(({ path, method }) => `${method} ${path}`)
      .sort(),
    [
      "GET /health",
      "GET /llm/health",
      "GET /llm/models",
      "GET /memory/stats",
      "GET /metrics",
      "GET /models",
      "GET /openapi.json",
      "GET /v1/gpu/memory-forecast",
      "GET /v1/gpu/models-optimal",
      "GET /v1/gpu/status",
      "GET /v1/models",
      "GET /v1/models/{model}",
      "POST /generate",
      "POST /generate_stream",
      "POST /llm/generate",
      "POST /llm/models/load",
      "POST /v1/chat/completions",
      "POST /v1/completions",
      "POST /v1/embeddings",
      "POST /v1/gpu/benchmark-model",
      "POST /v1/gpu/rebalance",
    ],
  );
});

test("every path in it is there", async () => {
  for (const { path, method } of operations()) {
    const answer = await fetch(door.url + path, { method, headers: BEARER });
    assert.doesNotMatch(await answer.text(), /"code":"unknown_url"/, path);
    assert.notEqual(answer.status, 405, path);
  }
});

test("what it refers to is in it, and nothing that nobody refers to", () => {
  const parts = JSON.parse(text);
  const references = new Set([...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path));
  for (const path of references)
    assert.ok(
      path.split("/").reduce((at, name) => at?.[name], parts),
      path,
    );
  for (const kind of ["schemas", "responses", "headers"] as const)
    for (const name of Object.keys(document.components[kind]))
      assert.ok(references.has(`components/${kind}/${name}`), `${kind}/${name}`);
});

test("names of operations are used once", () => {
  const names = operations().map(({ operation }) => operation.operationId);
  assert.equal(new Set(names).size, names.length);
});

test("it says where a key is needed", () => {
  const schemes = Object.keys(document.components.securitySchemes);
  assert.deepEqual(
    document.security.flatMap((it) => Object.keys(it)),
    schemes,
  );
  const open = operations().filter(({ operation }) => operation.security?.length === 0);
  assert.deepEqual(
    open.map(({ path }) => path),
    ["/health"],
  );
});

test("every failure that a client can meet has its shape", async () => {
  for (const { operation, path } of operations())
    for (const status of ["400", "401", "403", "404", "413", "429", "500", "502", "503", "504", "507"])
      assert.ok(operation.responses[status], `${path} ${status}`);
  const Failure = z.fromJSONSchema(document.components.schemas.Error as Parameters<typeof z.fromJSONSchema>[0]);
  Failure.parse(await (await fetch(`${door.url}/v1/models/none`, { headers: BEARER })).json());
  assert.equal(Failure.safeParse({ error: "a text" }).success, false);
});

test("the answers of OpenAI's paths name the headers that tell the decision", () => {
  for (const { operation, method, path } of operations())
    if (method === "POST" && path.startsWith("/v1/") && !path.startsWith("/v1/gpu/")) {
      const { headers = {} } = Response.parse(operation.responses["200"]);
      assert.deepEqual(Object.keys(headers).sort(), [
        "x-tandem-cloud",
        "x-tandem-decision",
        "x-tandem-device",
        "x-tandem-engine",
        "x-tandem-model",
        "x-tandem-why",
      ]);
    }
});

test("what is listed is as it says", async () => {
  const List = z.fromJSONSchema(document.components.schemas.ModelList as Parameters<typeof z.fromJSONSchema>[0]);
  List.parse(await (await fetch(`${door.url}/v1/models`)).json());
});
