import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { EngineSpec } from "../../server/engineSpec.ts";
import { TandemError } from "../../server/errors.ts";
import { createRegister, thisProcess } from "../../server/lifelines/register.ts";
import type { Engine } from "../../server/ports.ts";
import type { ErrorCode } from "../../server/protocol/errors.ts";
import { ask, textRequest } from "../backends/ask.ts";
import { recordingLog } from "../fakes/log.ts";
import { running } from "../lifelines/programs.ts";
import { type Skip, unixOnly } from "../setup/only.ts";
import { openLlama } from "./openLlama.ts";
import { ADD, isCode } from "./prompts.ts";

const never = new AbortController().signal;
const endless = { name: "endless", gbnf: 'root ::= ("a" | "b" | " ") root', jsonSchema: {} };

let folder: string;
let engine: Engine;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-llama-"));
  engine = await openLlama();
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("it is the model that was asked for, in a process of its own", async () => {
  assert.equal(engine.model.id, "tinyllama-1.1b-chat-iq2xxs");
  assert.equal(engine.model.promptStyle, "completion");
  assert.equal(engine.model.contextTokens, 1_024);
  assert.equal(engine.device, "cpu");
  assert.equal(engine.slots, 1);
  assert.deepEqual(await running([engine.pid ?? 0]), [engine.pid]);
});

test("it writes as an endpoint does", async () => {
  isCode(await ask(engine, textRequest(ADD, { maxTokens: 24, stop: ["\n}"] })));
});

test("it passes requests on", async () => {
  const body = { messages: [{ role: "user", content: "Say hello." }], max_tokens: 4 };
  const reply = await engine.relay?.({ path: "/chat/completions", body }, never);
  assert.ok(reply?.kind === "whole");
  assert.equal(Object(reply.body).usage.completion_tokens, 4);
});

test("opened for writing it makes no vectors", () => assert.equal(engine.embed, null));

test("a model that is no embedder is told as that", async () => {
  await using embedder = await openLlama({ use: "embed" });
  await assert.rejects(
    embedder.embed?.(["a"], never) ?? Promise.resolve(),
    (error) => error instanceof TandemError && error.code === "not-configured" && /Pooling type/.test(error.message),
  );
});

/** The small model is no embedder, so the server is told how to make one vector of many, by a variable as users have them. */
test("opened for vectors: one per text, of length 1, the same for the same text", async () => {
  process.env.LLAMA_ARG_POOLING = "mean";
  await using embedder = await openLlama({ use: "embed" }).finally(() => delete process.env.LLAMA_ARG_POOLING);
  const { vectors, promptTokens } = (await embedder.embed?.(["a cat", "const a = 1;", "a cat"], never)) ?? {};
  assert.ok(vectors?.length === 3 && promptTokens !== undefined && promptTokens > 3);
  for (const vector of vectors) {
    assert.equal(vector.length, 2_048);
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-4);
  }
  const [first, second, again] = vectors;
  assert.ok(alike(first ?? [], again ?? []) > 0.999);
  assert.ok(alike(first ?? [], second ?? []) < 0.999);
  await assert.rejects(
    embedder.embed?.(["word ".repeat(2_000)], never) ?? Promise.resolve(),
    (error) => error instanceof TandemError && error.code === "context-length",
  );
});

test("killed while it writes: the stream says so, and `gone` too", { skip: unixOnly }, async () => {
  const log = recordingLog();
  await using own = await openLlama({}, { log });
  const stream = own.generate(textRequest("x", { maxTokens: 900, shape: endless }), never)[Symbol.asyncIterator]();
  assert.equal((await stream.next()).value?.kind, "text");
  process.kill(own.pid ?? 0, "SIGKILL");
  await assert.rejects(
    async () => {
      while (!(await stream.next()).done);
    },
    { code: "provider", message: "llama-server ended while it answered (signal SIGKILL)", nextStep: /started anew/ },
  );
  assert.equal(await own.gone, "signal SIGKILL");
  assert.match(log.lines.join("\n"), /llama-server died/);
});

test("disposed while it writes: it is gone, and stands nowhere any more", async () => {
  const register = createRegister({ folder: join(folder, "processes"), owner: thisProcess() });
  const own = await openLlama({}, { register });
  const stream = own.generate(textRequest("x", { maxTokens: 900, shape: endless }), never)[Symbol.asyncIterator]();
  assert.equal((await stream.next()).value?.kind, "text");
  await own[Symbol.asyncDispose]();
  assert.deepEqual(await running([own.pid ?? 0]), []);
  assert.deepEqual(await readdir(register.folder), []);
  await assert.rejects(async () => {
    while (!(await stream.next()).done);
  }, TandemError);
});

test("cancelled while it loads: nothing stays behind", async () => {
  const controller = new AbortController();
  const log = recordingLog();
  const debug = (event: string, fields?: Record<string, unknown>) => {
    log.debug(event, fields);
    if (event === "llama-server starting") controller.abort();
  };
  const opening = openLlama({}, { log: { ...log, debug }, signal: controller.signal });
  await assert.rejects(opening, (error) => error instanceof TandemError && error.code === "cancelled");
  const pid = Number(/"llama-server starting","pid":(\d+)/.exec(log.lines.join())?.[1]);
  assert.deepEqual(await running([pid]), []);
});

const cases: readonly {
  name: string;
  skip?: Skip;
  change: () => Promise<Partial<Extract<EngineSpec, { kind: "llama-server" }>>>;
  error: readonly [code: ErrorCode, message: RegExp];
}[] = [
  {
    name: "no such program",
    change: async () => ({ executable: join(folder, "none") }),
    error: ["not-configured", /^The setting tandem\.llamaServer names .*none, which is no file$/],
  },
  {
    name: "a name without a path",
    change: async () => ({ executable: "llama-server" }),
    error: ["not-configured", /tandem\.llamaServer names llama-server, which is not a whole path/],
  },
  {
    name: "another program",
    change: async () => ({ executable: process.execPath }),
    error: ["not-configured", /tandem\.llamaServer names .*, which is no llama-server/],
  },
  {
    name: "no program at all",
    skip: unixOnly,
    change: async () => {
      const path = join(folder, "text");
      await writeFile(path, "once upon a time");
      await chmod(path, 0o644);
      return { executable: path };
    },
    error: ["not-configured", /tandem\.llamaServer names .*text, which cannot be run as a llama-server: .*EACCES/],
  },
  {
    name: "a program that lacks something",
    change: async () => {
      const path = join(folder, "lacking");
      await writeFile(path, '#!/bin/sh\necho "libcudart.so.12: cannot open shared object file" >&2\nexit 127\n');
      await chmod(path, 0o755);
      return { executable: path };
    },
    error: ["not-configured", /which cannot be run as a llama-server: libcudart\.so\.12: cannot open/],
  },
  {
    name: "not a GGUF",
    change: async () => {
      const path = join(folder, "text.gguf");
      await writeFile(path, "once upon a time ".repeat(100));
      return { path };
    },
    error: ["model-unavailable", /llama-server cannot load .*text\.gguf: ./],
  },
  {
    name: "a context that no memory holds",
    change: async () => ({ contextTokens: 5_000_000 }),
    error: ["no-memory", /does not fit in memory: ggml_aligned_malloc: insufficient memory/],
  },
];
for (const it of cases)
  test(`cannot be opened: ${it.name}`, { skip: it.skip ?? false }, async () => {
    await assert.rejects(openAndClose(await it.change()), (error) => {
      assert.ok(error instanceof TandemError, String(error));
      assert.match(error.message, it.error[1]);
      assert.equal(error.code, it.error[0], error.message);
      assert.notEqual(error.nextStep, "");
      return true;
    });
  });

async function openAndClose(changes: Partial<Extract<EngineSpec, { kind: "llama-server" }>>): Promise<void> {
  await using _engine = await openLlama(changes);
}

/** The cosine of the angle between two vectors of length 1. */
function alike(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}
