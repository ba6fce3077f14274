import assert from "node:assert/strict";
import { test } from "node:test";
import { createPulse, type Pulse } from "../../server/backends/pulse.ts";
import { abortError, TandemError } from "../../server/errors.ts";
import type { Engine, Piece } from "../../server/ports.ts";
import { recordingLog } from "../fakes/log.ts";
import { textRequest } from "./ask.ts";

const never = new AbortController().signal;
const DONE: Piece = {
  kind: "done",
  finish: "stop",
  promptTokens: 1,
  cachedTokens: 0,
  completionTokens: 1,
  prefillMs: 1,
  decodeMs: 1,
};

type Answer = "writes" | "silent" | "refuses" | "times out";

/** A server by what it does with each request in turn; the last goes on for ever. */
function server(...answers: readonly Answer[]): { pulse: Pulse; prompts: string[]; lines: readonly string[] } {
  const prompts: string[] = [];
  const log = recordingLog();
  async function* generate(request: Parameters<Engine["generate"]>[0], signal: AbortSignal): AsyncGenerator<Piece> {
    prompts.push(request.prompt.kind === "text" ? request.prompt.text : "chat");
    const answer = answers[Math.min(prompts.length, answers.length) - 1];
    if (answer === "refuses") throw new TandemError("provider", "no", "ask another");
    if (answer === "times out") throw new TandemError("timeout", "No first token", "wait");
    if (answer === "silent") {
      const given = Promise.withResolvers<never>();
      signal.addEventListener("abort", () => given.reject(abortError(signal)), { once: true });
      await given.promise;
    }
    yield { kind: "text", text: "b" };
    yield DONE;
  }
  const deps = { log, use: "write", isHealthy: async () => true, probeMs: 20 } as const;
  return { pulse: createPulse({ generate, relay: null, embed: null }, deps), prompts, lines: log.lines };
}

async function ask(pulse: Pulse): Promise<string> {
  let text = "";
  for await (const piece of pulse.generate(textRequest("question", {}), never))
    if (piece.kind === "text") text += piece.text;
  return text;
}

const isTimeout = (error: unknown) => error instanceof TandemError && error.code === "timeout";

test("a server that has loaded its model shows that it writes", async () => {
  const { pulse, prompts } = server("writes");
  await pulse.probe(never);
  assert.deepEqual(prompts, ["a"]);
});

test("one that writes nothing is told as that", async () => {
  await assert.rejects(server("silent").pulse.probe(never), isTimeout);
});

test("health says yes and nothing is written: after a time-out it is asked once more, and found dead", async () => {
  const { pulse, prompts } = server("writes", "times out", "silent");
  assert.equal(await ask(pulse), "b");
  await assert.rejects(ask(pulse), isTimeout);
  assert.equal(await pulse.stopped, "it no longer writes (its health check still answers)");
  assert.deepEqual(prompts, ["question", "question", "a"]);
});

for (const after of ["writes", "refuses"] as const)
  test(`a time-out after which it ${after} is no death`, async () => {
    const { pulse, prompts } = server("times out", after);
    await assert.rejects(ask(pulse), isTimeout);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(prompts, ["question", "a"]);
    assert.equal(await Promise.race([pulse.stopped, "alive"]), "alive");
  });

test("an error is an answer: nobody asks again", async () => {
  const { pulse, prompts } = server("refuses");
  await assert.rejects(ask(pulse), TandemError);
  assert.deepEqual(prompts, ["question"]);
});

test("while another request runs there is no probe: it would only wait behind it", async () => {
  const { pulse, prompts } = server("writes", "times out");
  const running = pulse.generate(textRequest("long", {}), never)[Symbol.asyncIterator]();
  await running.next();
  await assert.rejects(ask(pulse), isTimeout);
  assert.deepEqual(prompts, ["long", "question"]);
  await running.return?.();
});

test("a relayed stream counts until its last chunk", async () => {
  const asked: string[] = [];
  async function* generate(): AsyncGenerator<Piece> {
    asked.push("generate");
    throw new TandemError("timeout", "No first token", "wait");
    // biome-ignore lint/correctness/noUnreachable: a generator needs one.
    yield DONE;
  }
  async function* chunks() {
    yield [];
    yield [];
  }
  const relay = async () => ({ kind: "stream", chunks: chunks() }) as const;
  const deps = { log: recordingLog(), use: "write", isHealthy: async () => true, probeMs: 20 } as const;
  const pulse = createPulse({ generate, relay, embed: null }, deps);
  const reply = await pulse.relay?.({ path: "/completions", body: {} }, never);
  assert.ok(reply?.kind === "stream");
  const reading = reply.chunks[Symbol.asyncIterator]();
  await reading.next();
  await assert.rejects(ask(pulse), isTimeout);
  assert.deepEqual(asked, ["generate"]);
  await reading.return?.();
});
