import assert from "node:assert/strict";
import { test } from "node:test";
import { openEndpoint } from "../../server/backends/openai.ts";
import { silentLog } from "../fakes/log.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { ask, textRequest } from "./ask.ts";

const never = new AbortController().signal;

const LONG = { connectMs: 60_000, firstTokenMs: 60_000, idleMs: 60_000 };

// What is not told is long: a busy machine takes more than 30 ms for a first token that is there.
for (const [name, fault, told, limit] of [
  ["its first token", { kind: "hang" }, { firstTokenMs: 30 }, /^No first token from .* in 0\.03 s$/],
  ["its next token", { kind: "stall", after: 1 }, { idleMs: 30 }, /^Nothing more from .* in 0\.03 s$/],
] as const)
  test(`an endpoint is waited for as its user says: ${name}`, async () => {
    await using fake = await startFakeLlama({ reply: () => ({ text: "one two three", fault }) });
    const patience = { ...LONG, ...told };
    const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "", patience } as const;
    await using engine = await openEndpoint(spec, { log: silentLog }, never);
    await assert.rejects(ask(engine, textRequest("one")), { code: "timeout", message: limit });
  });
