import assert from "node:assert/strict";
import { test } from "node:test";
import { openEndpoint } from "../../server/backends/openai.ts";
import { TandemError } from "../../server/errors.ts";
import type { Engine } from "../../server/ports.ts";
import { silentLog } from "../fakes/log.ts";
import type { Flavour } from "../fakes/openaiFlavour.ts";
import type { Fault } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { createVirtualTime } from "../fakes/virtualTime.ts";
import { chatRequest } from "./ask.ts";

const PIECES = ["const", " sum", " = 1;"];
const FLAVOURS: readonly Flavour[] = ["llama-server", "vllm", "ollama", "plain"];
type After = { readonly after: number };
const faults: readonly ((at: After) => Fault)[] = [
  (at) => ({ kind: "disconnect", ...at }),
  (at) => ({ kind: "truncate", ...at }),
  (at) => ({ kind: "stall", ...at }),
  (at) => ({ kind: "garbage", ...at }),
  (at) => ({ kind: "error-event", ...at, message: "out of luck" }),
];

type Way = (engine: Engine, signal: AbortSignal, onText: (text: string) => void) => Promise<void>;
const ways: Readonly<Record<string, Way>> = {
  async generate(engine, signal, onText) {
    for await (const piece of engine.generate(chatRequest("hi"), signal)) if (piece.kind === "text") onText(piece.text);
  },
  async relay(engine, signal, onText) {
    const body = { model: "auto", messages: [{ role: "user", content: "hi" }], stream: true };
    const reply = await engine.relay?.({ path: "/chat/completions", body }, signal);
    if (reply?.kind === "stream") for await (const together of reply.chunks) for (const it of together) onText(it.text);
  },
};

for (const [way, hear] of Object.entries(ways))
  for (const flavour of FLAVOURS)
    for (const fault of faults) {
      const broken = fault({ after: PIECES.length + 1 });
      test(`${way}, ${flavour}: an answer whose end was told is whole, whatever comes then (${broken.kind})`, async () => {
        const timing = createVirtualTime();
        await using fake = await startFakeLlama({ flavour, reply: () => ({ pieces: PIECES, fault: broken }) });
        const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
        const never = new AbortController().signal;
        await using engine = await openEndpoint(spec, { log: silentLog, timing }, never);
        let text = "";
        await timing.run(
          hear(engine, never, (more) => {
            text += more;
          }),
        );
        assert.equal(text, PIECES.join(""));
      });
    }

for (const [way, hear] of Object.entries(ways))
  test(`${way}: who cancels behind the end of an answer hears of that`, async () => {
    await using fake = await startFakeLlama({
      reply: () => ({ pieces: PIECES, fault: { kind: "stall", after: PIECES.length + 1 } }),
    });
    const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
    const leaving = new AbortController();
    await using engine = await openEndpoint(spec, { log: silentLog }, leaving.signal);
    let text = "";
    const heard = hear(engine, leaving.signal, (more) => {
      text += more;
      if (text === PIECES.join("")) setImmediate(() => leaving.abort());
    });
    await assert.rejects(heard, (error) => error instanceof TandemError && error.code === "cancelled");
  });
