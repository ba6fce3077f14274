import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { openEndpoint } from "../../server/backends/openai.ts";
import { TandemError } from "../../server/errors.ts";
import type { Engine } from "../../server/ports.ts";
import type { ErrorCode } from "../../server/protocol/errors.ts";
import { recordingLog } from "../fakes/log.ts";
import { type FakeOptions, startFakeLlama } from "../fakes/openaiServer.ts";

interface Asked {
  readonly modelName?: string | null;
  readonly apiKey?: string;
  /** Appended to the fake's address. */
  readonly path?: string;
}

async function attachTo(
  fake: Partial<FakeOptions>,
  asked: Asked,
  look: (engine: Engine, seen: readonly string[]) => void,
) {
  await using server = await startFakeLlama({ reply: () => "", ...fake });
  const url = server.url + (asked.path ?? "");
  const spec = { kind: "endpoint", url, modelName: asked.modelName ?? null, apiKey: asked.apiKey ?? "" } as const;
  const recognise = (name: string) =>
    name === "known-small" ? ({ promptStyle: "completion", isTrial: true } as const) : null;
  await using engine = await openEndpoint(spec, { log: recordingLog(), recognise }, new AbortController().signal);
  look(engine, server.seen);
}

test("a llama-server says what it serves", () =>
  attachTo({ models: ["/models/coder-7b.gguf"], contextTokens: 8_192, slots: 3 }, {}, (engine) => {
    assert.equal(engine.slots, 3);
    assert.equal(engine.pid, null);
    assert.deepEqual(engine.model, {
      id: "/models/coder-7b.gguf",
      label: "coder-7b",
      parametersB: 1.1,
      quantisation: null,
      contextTokens: 8_192,
      promptStyle: "chat",
      isTrial: false,
    });
    assert.match(engine.device, /^127\.0\.0\.1:\d+$/);
  }));
test("a llama-server without a chat template only continues text", () =>
  attachTo({ chatTemplate: "" }, {}, (engine) => assert.equal(engine.model.promptStyle, "completion")));
for (const name of ["known-small", "/models/known-small.gguf"])
  test(`a model that is known is asked its own way, served as ${name}`, () =>
    attachTo({ models: [name] }, {}, (engine) => {
      assert.equal(engine.model.promptStyle, "completion");
      assert.equal(engine.model.isTrial, true);
    }));
test("another server is spoken to as OpenAI-compatible", () =>
  attachTo({ flavour: "plain", models: ["a", "b"] }, {}, (engine) => {
    assert.equal(engine.model.id, "a");
    assert.equal(engine.model.promptStyle, "chat");
    assert.equal(engine.model.parametersB, null);
    assert.ok(engine.slots > 1);
  }));
for (const path of ["/", "/v1", "/v1/", "/v1/chat/completions"])
  test(`the address may end in ${path}`, () =>
    attachTo({}, { path }, (_, seen) => assert.equal(seen[0], "GET /v1/models")));
test("a model is taken by its name", () =>
  attachTo({ models: ["a", "b"] }, { modelName: "b" }, (engine) => assert.equal(engine.model.id, "b")));
test("Ollama's tag may be left out", () =>
  attachTo({ flavour: "plain", models: ["coder:latest"] }, { modelName: "coder" }, (engine) =>
    assert.equal(engine.model.id, "coder:latest"),
  ));
test("loading is waited for", () =>
  attachTo({ loadingAnswers: 2 }, {}, (_, seen) =>
    assert.equal(seen.filter((it) => it === "GET /v1/models").length, 3),
  ));

async function refuses(
  fake: Partial<FakeOptions>,
  asked: Asked & { url?: string; loadingMs?: number },
  want: [ErrorCode, RegExp],
) {
  await using server = await startFakeLlama({ reply: () => "", ...fake });
  const log = recordingLog();
  const url = asked.url ?? server.url;
  const spec = { kind: "endpoint", url, modelName: asked.modelName ?? null, apiKey: asked.apiKey ?? "" } as const;
  const limits = asked.loadingMs === undefined ? {} : { loadingMs: asked.loadingMs };
  await assert.rejects(openEndpoint(spec, { log, limits }, new AbortController().signal), (error) => {
    assert.ok(error instanceof TandemError, String(error));
    assert.equal(error.code, want[0]);
    assert.match(error.message, want[1]);
    assert.notEqual(error.nextStep, "");
    if (asked.apiKey) assert.equal(`${error.message}${error.nextStep}${log.lines}`.includes(asked.apiKey), false);
    return true;
  });
}

test("a name that is not there: the error lists what is", () =>
  refuses({ models: ["a", "b"] }, { modelName: "c" }, ["model-unavailable", /does not serve "c"; it serves: a, b/]));
test("a long list is cut", () =>
  refuses({ models: Array.from({ length: 300 }, (_, at) => `m${at}`) }, { modelName: "c" }, [
    "model-unavailable",
    /m9, and 290 more$/,
  ]));
test("no model at all", () => refuses({ models: [] }, {}, ["model-unavailable", /serves no model/]));
test("a wrong key", () =>
  refuses({ apiKey: "right" }, { apiKey: "wrong-key" }, ["not-configured", /refused the API key.*401/]));
test("a server that goes on loading", () =>
  refuses({ loadingAnswers: 1_000_000 }, { loadingMs: 300 }, ["provider", /503: Loading model/]));
test("nothing listens there", async () => {
  const closed = await startFakeLlama({ reply: () => "" });
  await closed.close();
  await refuses({}, { url: closed.url }, ["provider", /Nothing listens at 127\.0\.0\.1:\d+/]);
});
test("no such host", () =>
  refuses({}, { url: "http://nowhere.invalid" }, [
    "provider",
    /There is no host nowhere\.invalid|cannot be reached|broke/,
  ]));
test("not a URL", () => refuses({}, { url: "127.0.0.1:8080" }, ["not-configured", /must start with http/]));
test("a server, but not of language models", async () => {
  const pages = createServer((_, response) => response.end("<html>It works!</html>"));
  await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = pages.address() as AddressInfo;
    await refuses({}, { url: `http://127.0.0.1:${port}` }, ["provider", /not as an OpenAI-compatible server/]);
  } finally {
    pages.close();
  }
});
test("cancelled before it began", async () => {
  const spec = { kind: "endpoint", url: "http://127.0.0.1:9", modelName: null, apiKey: "" } as const;
  await assert.rejects(
    openEndpoint(spec, { log: recordingLog() }, AbortSignal.abort()),
    (error) => error instanceof TandemError && error.code === "cancelled",
  );
});
