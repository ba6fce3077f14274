import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readAll } from "node:stream/consumers";
import { countTokens, type Fault, type Script } from "./openaiScript.ts";
import { EmbedBody, type EmbedScript, embedAnswer, NO_VECTORS } from "./openaiVectors.ts";
import {
  errorBody,
  event,
  eventsFor,
  formatOf,
  promptOf,
  propsBody,
  WireBody,
  type WireFormat,
  wholeAnswer,
} from "./openaiWire.ts";

/** One request for text, as the fake saw it. */
export interface FakeRequest {
  readonly path: string;
  readonly format: WireFormat;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: WireBody;
  /** All the text the model would be given. */
  readonly prompt: string;
  /** `answered`: it went out as scripted; `broken-off`: the script broke the connection; `client-left`: the client did. */
  readonly state: "open" | "answered" | "broken-off" | "client-left";
  /** Resolves when the client closes the connection before the answer is whole. */
  readonly clientLeft: Promise<void>;
}

export interface FakeOptions {
  readonly reply: (request: FakeRequest) => string | Script;
  /** Answers `/v1/embeddings`; left out, the server makes no vectors. */
  readonly embed?: EmbedScript;
  /** `plain` knows neither `/props` nor `/completion`, as vLLM, Ollama and LM Studio do not. */
  readonly flavour?: "llama-server" | "plain";
  readonly models?: readonly string[];
  readonly contextTokens?: number;
  readonly slots?: number;
  readonly chatTemplate?: string;
  /** Asked for when not empty. */
  readonly apiKey?: string;
  /** Left out, any free one. */
  readonly port?: number;
  /** The first that many requests of any kind meet 503 "Loading model". */
  readonly loadingAnswers?: number;
}

/** A scripted server that speaks llama-server's wire format. */
export interface FakeLlama extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without `/v1`. */
  readonly url: string;
  /** Requests for text, in order of arrival. */
  readonly requests: readonly FakeRequest[];
  /** Every request there was: "GET /v1/models" and so on. */
  readonly seen: readonly string[];
  /** The first request for text not handed out by this yet. */
  nextRequest(): Promise<FakeRequest>;
  close(): Promise<void>;
}

interface Settled extends Required<Omit<FakeOptions, "reply" | "models" | "embed">> {
  readonly reply: FakeOptions["reply"];
  readonly embed?: EmbedScript;
  readonly models: readonly string[];
}

type OpenRequest = { -readonly [key in keyof FakeRequest]: FakeRequest[key] };

export async function startFakeLlama(options: FakeOptions): Promise<FakeLlama> {
  const settled: Settled = {
    flavour: "llama-server",
    models: ["fake-coder"],
    contextTokens: 4_096,
    slots: 2,
    chatTemplate: "{% for message in messages %}{{ message['content'] }}{% endfor %}",
    apiKey: "",
    loadingAnswers: 0,
    port: 0,
    ...options,
  };
  const requests: FakeRequest[] = [];
  const seen: string[] = [];
  const arrivals = createArrivals<FakeRequest>();
  const server = createServer((incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    // A failure in the fake itself must fail the test that runs it, so it is not caught.
    void serve({ settled, incoming, response, isLoading: seen.length <= settled.loadingAnswers }, (request) => {
      requests.push(request);
      arrivals.add(request);
    });
  });
  await new Promise<void>((resolve) => server.listen(settled.port, "127.0.0.1", resolve));
  const close = () => closeServer(server);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    seen,
    nextRequest: arrivals.next,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Exchange {
  readonly settled: Settled;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly isLoading: boolean;
}

async function serve(exchange: Exchange, onRequest: (request: FakeRequest) => void): Promise<void> {
  const { settled, incoming, response } = exchange;
  const path = (incoming.url ?? "").split("?")[0] ?? "";
  const raw = await readAll(incoming);
  if (exchange.isLoading) return sendJson(response, 503, errorBody(503, "Loading model", "unavailable_error"));
  if (settled.apiKey !== "" && incoming.headers.authorization !== `Bearer ${settled.apiKey}`)
    return sendJson(response, 401, errorBody(401, "Invalid API Key", "authentication_error"));
  const isLlama = settled.flavour === "llama-server";
  if (path === "/health") return sendJson(response, 200, { status: "ok" });
  if (path === "/v1/models") return sendJson(response, 200, modelsBody(settled));
  if (path === "/props" && isLlama)
    return sendJson(response, 200, propsBody({ ...settled, model: settled.models[0] ?? "" }));
  if (path === "/v1/embeddings" && (isLlama || settled.embed)) return answerVectors(settled, response, raw);
  const format = formatOf(path);
  if (format === null || (format === "native" && !isLlama))
    return sendJson(response, 404, errorBody(404, "File Not Found", "not_found_error"));
  const request = openRequest({ incoming, response, path, format, body: WireBody.parse(JSON.parse(raw)) });
  onRequest(request);
  const needed = countTokens(request.prompt);
  if (isLlama && needed >= settled.contextTokens)
    return sendJson(response, 400, overflowBody(needed, settled.contextTokens));
  const reply = settled.reply(request);
  await answer(request, response, typeof reply === "string" ? { text: reply } : reply, settled.models[0] ?? "");
}

function openRequest(given: {
  incoming: IncomingMessage;
  response: ServerResponse;
  path: string;
  format: WireFormat;
  body: WireBody;
}): OpenRequest {
  const { incoming, response, path, format, body } = given;
  const left = Promise.withResolvers<void>();
  const request: OpenRequest = {
    path,
    format,
    headers: incoming.headers,
    body,
    prompt: promptOf(body),
    state: "open",
    clientLeft: left.promise,
  };
  response.on("finish", () => {
    request.state = "answered";
  });
  response.on("close", () => {
    if (request.state !== "open") return;
    request.state = "client-left";
    left.resolve();
  });
  return request;
}

async function answer(request: OpenRequest, response: ServerResponse, script: Script, model: string): Promise<void> {
  const { fault } = script;
  switch (fault?.kind) {
    case "status":
      return sendBody(response, fault.status, fault.body, fault.headers ?? {});
    case "hang":
      return;
    case "reset":
      return breakOff(request, response);
    case "page":
      return sendBody(response, 200, fault.body, { "content-type": fault.contentType });
    default:
      if (request.body.stream !== true && fault === undefined) return sendWhole(request, response, script, model);
      return stream(request, response, { script, fault, model });
  }
}

/** An answer in one piece; it waits where a stream would wait before its first. */
async function sendWhole(request: OpenRequest, response: ServerResponse, script: Script, model: string): Promise<void> {
  await Promise.race([script.beforePiece?.(0), request.clientLeft]);
  if (request.state === "open") sendJson(response, 200, wholeAnswer(request.format, request.body, script, model));
}

function answerVectors(settled: Settled, response: ServerResponse, raw: string): void {
  const body = EmbedBody.parse(JSON.parse(raw));
  const reply = settled.embed?.(body.input, body) ?? NO_VECTORS;
  const answer = embedAnswer(body, reply, settled.models[0] ?? "");
  sendJson(response, answer.status, answer.body);
}

function breakOff(request: OpenRequest, response: ServerResponse): void {
  request.state = "broken-off";
  response.destroy();
}

async function stream(
  request: OpenRequest,
  response: ServerResponse,
  given: {
    script: Script;
    fault: Exclude<Fault, { kind: "status" | "hang" | "reset" | "page" }> | undefined;
    model: string;
  },
): Promise<void> {
  const { script, fault } = given;
  const events = eventsFor(request.format, request.body, script, given.model);
  response.writeHead(200, { "content-type": "text/event-stream", "transfer-encoding": "chunked" });
  response.flushHeaders();
  for (const opening of events.opening) response.write(opening);
  for (const [index, piece] of [...events.pieces, null].entries()) {
    if (fault?.after === index) {
      if (fault.kind === "stall") return;
      if (fault.kind === "truncate") return void response.end();
      if (fault.kind === "disconnect") return void response.write('data: {"cho', () => breakOff(request, response));
      if (fault.kind === "garbage") response.write("data: {not json\n\n");
      if (fault.kind === "error-event") return void response.end(event(errorBody(500, fault.message, "server_error")));
    }
    if (piece === null) break;
    await Promise.race([script.beforePiece?.(index), request.clientLeft]);
    if (request.state === "client-left") return;
    response.write(piece);
  }
  response.end(events.closing.join(""));
}

function modelsBody(settled: Settled) {
  const meta =
    settled.flavour === "llama-server" ? { meta: { n_ctx: settled.contextTokens, n_params: 1_100_048_384 } } : {};
  return {
    object: "list",
    data: settled.models.map((id) => ({ id, object: "model", created: 1_795_257_422, owned_by: "fake", ...meta })),
  };
}

function overflowBody(needed: number, available: number) {
  const message = `request (${needed} tokens) exceeds the available context size (${available} tokens), try increasing it`;
  return errorBody(400, message, "exceed_context_size_error", { n_prompt_tokens: needed, n_ctx: available });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendBody(response, status, body, {});
}

function sendBody(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  const isText = typeof body === "string";
  response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json", ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

function createArrivals<T>(): { add(item: T): void; next(): Promise<T> } {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    add(item) {
      const taker = waiting.shift();
      if (taker) taker(item);
      else items.push(item);
    },
    next() {
      const item = items.shift();
      return item === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(item);
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
