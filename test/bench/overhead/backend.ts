import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";

/**
 * A server that costs next to nothing, in llama-server's wire format: `node backend.ts` prints its address. Each token's text is the
 * moment it was written, on the clock that all processes of the machine share, so that who reads it knows how long it was under way.
 */
const Ask = z.looseObject({
  stream: z.boolean().optional(),
  max_tokens: z.int().default(64),
  /** Between two tokens; 0: all at once. */
  bench_every_ms: z.number().default(0),
});

const MODEL = "instant";
const SLOTS = 64;
const CREATED = 1_795_257_422;

const server = createServer(async (request, response) => {
  const path = (request.url ?? "").split("?")[0];
  if (request.method === "GET") return sendJson(response, path === "/props" ? PROPS : MODELS);
  const ask = Ask.parse(JSON.parse(await text(request)));
  if (ask.stream !== true) return sendJson(response, whole());
  response.writeHead(200, { "content-type": "text/event-stream" });
  if (ask.bench_every_ms === 0) {
    for (let token = 0; token < ask.max_tokens; token++) response.write(chunk(stamp()));
    return void end(response);
  }
  let left = ask.max_tokens;
  const step = () => {
    response.write(chunk(stamp()));
    if (--left > 0) return;
    clearInterval(timer);
    end(response);
  };
  const timer = setInterval(step, ask.bench_every_ms);
  response.once("close", () => clearInterval(timer));
  step();
});
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});

const PROPS = {
  default_generation_settings: { n_ctx: 8_192 },
  total_slots: SLOTS,
  chat_template: "{% for message in messages %}{{ message['content'] }}{% endfor %}",
};
const MODELS = { object: "list", data: [{ id: MODEL, object: "model", created: CREATED, owned_by: "llamacpp" }] };

function stamp(): string {
  return `${Number(process.hrtime.bigint()) / 1e6} `;
}

/** A chunk as llama-server writes it. */
function chunk(content: string): string {
  return eventOf([{ finish_reason: null, index: 0, delta: { content } }]);
}

function end(response: ServerResponse): void {
  response.end(`${eventOf([{ finish_reason: "stop", index: 0, delta: {} }])}data: [DONE]\n\n`);
}

function eventOf(choices: readonly object[]): string {
  const head = { created: CREATED, id: "chatcmpl-bench", model: MODEL, system_fingerprint: "b0", object: OBJECT };
  return `data: ${JSON.stringify({ choices, ...head })}\n\n`;
}

const OBJECT = "chat.completion.chunk";

function whole(): object {
  const message = { role: "assistant", content: stamp() };
  const usage = { prompt_tokens: 8, completion_tokens: 1, total_tokens: 9 };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  return { id: "chatcmpl-bench", object: "chat.completion", created: CREATED, model: MODEL, choices, usage };
}

function sendJson(response: ServerResponse, body: object): void {
  const bytes = JSON.stringify(body);
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(bytes) });
  response.end(bytes);
}
