import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { parseArgs } from "node:util";
import { VLLM_FAILURES } from "./vllmWords.ts";

/**
 * A program in place of `vllm serve`: its arguments, environment, doors and words as vLLM's documentation, source and issues have them.
 * No real vLLM was run beside it: what is not compared are the exact numbers and order of its log lines, and everything that a GPU does.
 *
 * It writes what it was started with to FAKE_VLLM_FILE. Models whose name begins with "fails/" end it with the words of VLLM_FAILURES.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  args: process.argv.slice(2),
  options: {
    host: { type: "string" },
    port: { type: "string" },
    "served-model-name": { type: "string" },
    "max-model-len": { type: "string" },
    "gpu-memory-utilization": { type: "string" },
    "tensor-parallel-size": { type: "string" },
    quantization: { type: "string" },
    "enable-sleep-mode": { type: "boolean" },
  },
});
const [verb, source = ""] = positionals;
const { env } = process;
const key = env.VLLM_API_KEY ?? "";
const name = String(values["served-model-name"]);
const maxLength = Number(values["max-model-len"]);
let isAsleep = false;
let isHung = false;

if (env.FAKE_VLLM_FILE) {
  const named = [
    "VLLM_API_KEY",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "HF_TOKEN",
    "HF_HOME",
    "VLLM_NO_USAGE_STATS",
  ];
  const seen = Object.fromEntries([...named, "VLLM_SERVER_DEV_MODE"].map((it) => [it, env[it] ?? null]));
  writeFileSync(env.FAKE_VLLM_FILE, JSON.stringify({ args: process.argv.slice(2), env: seen }));
}
if (verb !== "serve") end(2, "vllm: error: argument subparser: invalid choice");
const failure = VLLM_FAILURES[source];
if (failure !== undefined)
  end(
    1,
    `ERROR 11-21 17:00:00 [core.py:708] EngineCore failed to start.\n${failure}\n${"  at some depth\n".repeat(600)}RuntimeError: Engine core initialization failed. See root cause above.`,
  );

say("INFO 11-21 17:00:01 [gpu_model_runner.py:2653] Model loading took 14.2500 GiB and 3.211 seconds");
say("INFO 11-21 17:00:05 [gpu_worker.py:298] Available KV cache memory: 5.50 GiB");
say("INFO 11-21 17:00:09 [gpu_model_runner.py:3480] Graph capturing finished in 4 secs, took 0.25 GiB");

createServer((request, response) => {
  request.resume().on("error", () => undefined);
  void answer(request, response);
}).listen(Number(values.port), String(values.host), () => say("INFO: Application startup complete."));
process.on("SIGTERM", () => process.exit(0));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname: path } = new URL(request.url ?? "/", "http://x");
  const json = (status: number, body: unknown) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  // Its middleware asks for the key under /v1 alone.
  if (path.startsWith("/v1") && request.headers.authorization !== `Bearer ${key}`)
    return void json(401, { error: "Unauthorized" });
  if (path === "/health") return void response.writeHead(200).end();
  if (path === "/fake/hang") {
    isHung = true;
    return void response.writeHead(200).end();
  }
  const isDevelopment = env.VLLM_SERVER_DEV_MODE === "1" && values["enable-sleep-mode"] === true;
  if (isDevelopment && path === "/is_sleeping") return void json(200, { is_sleeping: isAsleep });
  if (isDevelopment && (path === "/sleep" || path === "/wake_up")) {
    isAsleep = path === "/sleep";
    return void response.writeHead(200).end();
  }
  if (path === "/v1/models") {
    const model = { id: name, object: "model", created: 1, owned_by: "vllm", root: source, parent: null };
    return void json(200, { object: "list", data: [{ ...model, max_model_len: maxLength, permission: [] }] });
  }
  if (path !== "/v1/completions" && path !== "/v1/chat/completions") return void json(404, { detail: "Not Found" });
  if (isHung) return;
  if (isAsleep)
    return void json(500, { error: { message: "EngineCore is asleep", type: "InternalServerError", code: 500 } });
  write(response, path === "/v1/chat/completions");
}

function write(response: ServerResponse, isChat: boolean): void {
  const event = (value: unknown) => response.write(`data: ${JSON.stringify(value)}\n\n`);
  const head = { id: "cmpl-1", object: isChat ? "chat.completion.chunk" : "text_completion", created: 1, model: name };
  const piece = (text: string, finish: string | null) => ({
    ...head,
    choices: [
      { index: 0, ...(isChat ? { delta: { content: text } } : { text }), logprobs: null, finish_reason: finish },
    ],
  });
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  event(piece("Hello", null));
  event(piece(" there", "stop"));
  event({ ...head, choices: [], usage: { prompt_tokens: 5, total_tokens: 7, completion_tokens: 2 } });
  response.end("data: [DONE]\n\n");
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function end(code: number, words: string): never {
  process.stderr.write(`${words}\n`);
  process.exit(code);
}
