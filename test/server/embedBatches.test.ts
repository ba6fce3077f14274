import assert from "node:assert/strict";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import type { Embed, Engine } from "../../server/ports.ts";
import { chat, embeddings } from "../../server/protocol/requests.ts";
import { fakeEngines } from "../fakes/engines.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startLocal } from "./localModels.ts";
import { failureOf, startOrchestrator } from "./orchestrator.ts";

type Call = { readonly texts: readonly string[]; readonly signal: AbortSignal };
type Answer = (call: Call, number: number) => ReturnType<Embed>;

/** The orchestrator with an engine for vectors whose every call is the test's to answer. */
async function stage(answer: Answer, more: Partial<Engine> = {}) {
  const calls: Call[] = [];
  const fakes = fakeEngines({ vector: () => [] });
  const orchestrator = await startOrchestrator({
    async openEngine(spec, signal) {
      const engine = await fakes.open(spec, signal);
      if (!engine.embed) return engine;
      const embed: Embed = (texts, signal) => answer({ texts, signal }, calls.push({ texts, signal }) - 1);
      return { ...engine, embed, ...more };
    },
  });
  const local = await startLocal({});
  const model = await local.model("vectors");
  return {
    calls,
    opened: fakes.opened,
    connect: () => orchestrator.connect({ embed: { model } }),
    async [Symbol.asyncDispose]() {
      await orchestrator[Symbol.asyncDispose]();
      await local[Symbol.asyncDispose]();
    },
  };
}

const texts = (count: number) => Array.from({ length: count }, (_, at) => `${at}`);
const vectorsOf = ({ texts }: Call) => ({ vectors: texts.map((it) => [Number(it), 1]), promptTokens: texts.length });
const broken = () => new TandemError("provider", "the engine broke", "look at its log");

test("batches run at once as far as there are slots, one of which is left free; the order is the texts'", async () => {
  const waiting: (() => void)[] = [];
  let most = 0;
  let running = 0;
  const answer: Answer = async (call) => {
    most = Math.max(most, ++running);
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    // The newest is answered first, once three are there or no more come.
    if (waiting.length === 3 || call.texts.length < 32) for (const go of waiting.splice(0).toReversed()) go();
    await promise;
    running--;
    return vectorsOf(call);
  };
  await using it = await stage(answer, { slots: 4 });
  const list = await (await it.connect()).send(embeddings, { model: "auto", input: texts(32 * 6 + 1) });
  assert.deepEqual(
    list.data.map(({ embedding }) => embedding[0]),
    texts(32 * 6 + 1).map(Number),
  );
  assert.equal(most, 3);
  assert.equal(list.usage.prompt_tokens, 32 * 6 + 1);
});

test("the first failure ends what runs beside it, and nothing more is asked", async () => {
  const answer: Answer = async ({ signal }, number) => {
    if (number === 1) throw broken();
    await new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(new TandemError("cancelled", "", ""))),
    );
    throw new Error("not reached");
  };
  await using it = await stage(answer, { slots: 4 });
  const failure = await failureOf((await it.connect()).send(embeddings, { model: "auto", input: texts(320) }));
  assert.deepEqual([failure.code, failure.message], ["provider", "the engine broke"]);
  assert.equal(it.calls.length, 3);
  assert.deepEqual(
    it.calls.map(({ signal }) => signal.aborted),
    [true, true, true],
  );
});

test("only the batch under which an engine of ours ended is asked for again", async () => {
  const answer: Answer = async (call, number) => {
    if (number === 1) throw broken();
    return vectorsOf(call);
  };
  await using it = await stage(answer, { pid: 4_000_000 });
  const list = await (await it.connect()).send(embeddings, { model: "auto", input: texts(70) });
  assert.deepEqual(
    it.calls.map((call) => call.texts[0]),
    ["0", "32", "32", "64"],
  );
  assert.equal(list.data.length, 70);
});

test("an engine that ends under every batch is not asked for ever", async () => {
  const answer: Answer = () => Promise.reject(broken());
  await using it = await stage(answer, { pid: 4_000_000 });
  const failure = await failureOf((await it.connect()).send(embeddings, { model: "auto", input: texts(70) }));
  assert.equal(failure.code, "provider");
  assert.equal(it.calls.length, 2);
});

test("a text that is too long is named by its number among all", async () => {
  const answer: Answer = async (call) => {
    if (!call.texts.includes("33")) return vectorsOf(call);
    throw new TandemError("context-length", "Text 2 of 8 has 900 tokens", "cut it", { details: { index: 1 } });
  };
  await using it = await stage(answer);
  const failure = await failureOf((await it.connect()).send(embeddings, { model: "auto", input: texts(40) }));
  assert.deepEqual([failure.code, failure.message], ["context-length", "Text 34 of 40 has 900 tokens"]);
  assert.equal(failure.details?.index, 33);
});

test("two clients share an engine of one slot batch by batch", async () => {
  const gate = createGate();
  const answer: Answer = async (call) => {
    await gate.wait();
    return vectorsOf(call);
  };
  await using it = await stage(answer);
  const [a, b] = [await it.connect(), await it.connect()];
  const named = (name: number) => texts(96).map((_, at) => `${name}${at}`);
  const first = a.send(embeddings, { model: "auto", input: named(1) });
  // Until it holds the engine.
  while (it.calls.length === 0) await new Promise(setImmediate);
  const queued = Promise.withResolvers<void>();
  const second = b.send(
    embeddings,
    { model: "auto", input: named(2) },
    { onEvent: ({ kind }) => kind === "waiting" && queued.resolve() },
  );
  await queued.promise;
  gate.open();
  await Promise.all([first, second]);
  const order = it.calls.map((call) => call.texts[0]?.[0]).join("");
  assert.match(order, /^1212/);
});

test("vectors are made while text is written, and text while vectors are made: neither waits for the other", async () => {
  const [writing, making] = [createGate(), createGate()];
  const fakes = fakeEngines({ vector: () => [1], reply: () => ({ text: "a b", beforePiece: writing.wait }) });
  const begun = Promise.withResolvers<void>();
  await using orchestrator = await startOrchestrator({
    async openEngine(spec, signal) {
      const engine = await fakes.open(spec, signal);
      if (!engine.embed) return engine;
      const embed: Embed = async (texts) => {
        begun.resolve();
        await making.wait();
        return { vectors: texts.map(() => [1]), promptTokens: 1 };
      };
      return { ...engine, embed };
    },
  });
  await using local = await startLocal({});
  const settings = { draft: { model: await local.model("writer") }, embed: { model: await local.model("vectors") } };
  const client = await orchestrator.connect(settings);
  const ask = () => client.send(chat, { model: "auto", messages: [{ role: "user", content: "hi" }] });
  const vectors = () => client.send(embeddings, { model: "auto", input: texts(64) });
  const held = vectors();
  await begun.promise;
  writing.open();
  await ask();
  making.open();
  await held;
  assert.equal((await vectors()).data.length, 64);
});

test("a server that does not say which text is too long is asked until that is known", async () => {
  await using orchestrator = await startOrchestrator();
  const message = "request (9000 tokens) exceeds the available context size (512 tokens), try increasing it";
  const error = { code: 400, message, type: "exceed_context_size_error", n_prompt_tokens: 9_000, n_ctx: 512 };
  await using fake = await startFakeLlama({
    reply: () => "no",
    embed: (given) => (given.includes("long") ? { status: 400, body: { error } } : given.map(() => [1])),
  });
  const client = await orchestrator.connect({ embed: { endpoint: fake.url } });
  const input = texts(40).with(35, "long");
  const failure = await failureOf(client.send(embeddings, { model: "auto", input }));
  assert.equal(failure.code, "context-length");
  assert.match(failure.message, /^Text 36 of 40 is too long/);
});

test("the answer says how long its vectors are and names what made them: the same over restarts, another for others", async () => {
  await using fake = await startFakeLlama({
    models: ["vectors", "more"],
    reply: () => "no",
    embed: (given, { dimensions }) => given.map(() => Array.from({ length: Number(dimensions ?? 3) }, () => 1)),
  });
  const ask = async (model: string, more: { dimensions?: number } = {}) => {
    await using orchestrator = await startOrchestrator();
    const client = await orchestrator.connect({ embed: { endpoint: fake.url } });
    return (await client.send(embeddings, { model, input: "abc", ...more })).tandem;
  };
  const [first, again] = [await ask("vectors"), await ask("vectors")];
  assert.equal(first.dimensions, 3);
  assert.ok(first.latencyMs > 0);
  assert.equal(again.fingerprint, first.fingerprint);
  const fewer = await ask("vectors", { dimensions: 2 });
  assert.equal(fewer.dimensions, 2);
  const other = await ask("more");
  assert.equal(new Set([first.fingerprint, fewer.fingerprint, other.fingerprint]).size, 3);
});
