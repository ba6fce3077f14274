import assert from "node:assert/strict";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { EngineSpec } from "../../server/engineSpec.ts";
import { TandemError } from "../../server/errors.ts";
import type { ErrorCode } from "../../server/protocol/errors.ts";
import { ask, textRequest } from "../backends/ask.ts";
import { recordingLog } from "../fakes/log.ts";
import { unixOnly } from "../setup/only.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";
import { openTiny, processGone } from "./open.ts";

const never = new AbortController().signal;
const endless = { name: "endless", gbnf: 'root ::= ("a" | "b" | " ") root', jsonSchema: {} };

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-engine-"));
});
after(() => rm(folder, { recursive: true, force: true }));

test("the context's end ends the text", async () => {
  await using engine = await openTiny({ contextTokens: 256 });
  const heard = await ask(engine, textRequest("word ".repeat(230), { maxTokens: 500, shape: endless }));
  assert.equal(heard.done.finish, "length");
  assert.equal(heard.done.promptTokens + heard.done.completionTokens, 256);
});

test("killed while it writes: the stream says how, `gone` too, and the next request as well", {
  skip: unixOnly,
}, async () => {
  await using engine = await openTiny();
  const stream = engine.generate(textRequest("x", { maxTokens: 900, shape: endless }), never)[Symbol.asyncIterator]();
  assert.equal((await stream.next()).value?.kind, "text");
  process.kill(engine.pid ?? 0, "SIGKILL");
  const isDeath = (error: unknown) =>
    error instanceof TandemError && error.code === "provider" && error.details?.signal === "SIGKILL";
  await assert.rejects(async () => {
    while (!(await stream.next()).done);
  }, isDeath);
  assert.equal(await engine.gone, "signal SIGKILL");
  await assert.rejects(ask(engine, textRequest("x")), isDeath);
});

test("disposed while it writes: the process leaves, and the stream ends with an error", async () => {
  const engine = await openTiny();
  const stream = engine.generate(textRequest("x", { maxTokens: 900, shape: endless }), never)[Symbol.asyncIterator]();
  assert.equal((await stream.next()).value?.kind, "text");
  await engine[Symbol.asyncDispose]();
  await processGone(engine.pid ?? 0, AbortSignal.timeout(10_000));
  await assert.rejects(async () => {
    while (!(await stream.next()).done);
  }, TandemError);
  await engine[Symbol.asyncDispose]();
});

test("cancelled while it loads: nothing stays behind", async () => {
  const controller = new AbortController();
  const log = recordingLog();
  const opening = openTiny(
    {},
    {
      ...log,
      debug: (event, fields) => {
        log.debug(event, fields);
        if (event === "engine starting") controller.abort();
      },
    },
    controller.signal,
  );
  await assert.rejects(opening, (error) => error instanceof TandemError && error.code === "cancelled");
  const pid = Number(/"engine starting","pid":(\d+)/.exec(log.lines.join())?.[1]);
  await processGone(pid, AbortSignal.timeout(10_000));
});

const noGpu = process.platform === "darwin" ? "cuda:0" : "metal";
const cases: readonly {
  name: string;
  change: () => Promise<Partial<Extract<EngineSpec, { kind: "embedded" }>>>;
  error: readonly [code: ErrorCode, message: RegExp];
}[] = [
  {
    name: "no such file",
    change: async () => ({ path: join(folder, "none.gguf") }),
    error: ["model-unavailable", /no model file at .*none\.gguf/],
  },
  { name: "a folder", change: async () => ({ path: folder }), error: ["model-unavailable", /no model file/] },
  {
    name: "not a GGUF",
    change: async () => {
      const path = join(folder, "text.gguf");
      await writeFile(path, "once upon a time ".repeat(100));
      return { path };
    },
    error: ["model-unavailable", /text\.gguf cannot be loaded/],
  },
  {
    name: "a GGUF that was cut off",
    change: async () => {
      const path = join(folder, "half.gguf");
      const { path: whole } = await ensureTinyLlama(() => {}, never);
      await using file = await open(whole);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4_000_000), 0, 4_000_000, 0);
      await writeFile(path, buffer.subarray(0, bytesRead));
      return { path };
    },
    error: ["model-unavailable", /half\.gguf cannot be loaded/],
  },
  {
    name: "a context that no memory holds",
    change: async () => ({ contextTokens: 10_000_000 }),
    error: ["no-memory", /context of 10000000 tokens does not fit/],
  },
  {
    name: "a device there is no build for",
    change: async () => ({ device: noGpu }),
    error: ["not-configured", /cannot start on/],
  },
  {
    name: "a device there is not",
    change: async () => ({ device: "tpu:0" }),
    error: ["not-configured", /no device "tpu:0"/],
  },
];
for (const it of cases)
  test(`cannot be opened: ${it.name}`, async () => {
    await assert.rejects(openAndClose(await it.change()), (error) => {
      assert.ok(error instanceof TandemError, String(error));
      assert.equal(error.code, it.error[0], error.message);
      assert.match(error.message, it.error[1]);
      assert.notEqual(error.nextStep, "");
      return true;
    });
  });

async function openAndClose(changes: Partial<Extract<EngineSpec, { kind: "embedded" }>>): Promise<void> {
  await using _engine = await openTiny(changes);
}
