import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readAll } from "node:stream/consumers";
import {
  breakOff,
  closeServer,
  createArrivals,
  type Exchanged,
  type OpenRequest,
  openRequest,
  sendBody,
  sendJson,
} from "./openaiExchange.ts";
import { errorBody, type Flavour, inFlavour, modelsBody } from "./openaiFlavour.ts";
import { createSlots, type Pace, type Slots } from "./openaiPace.ts";
import { countTokens, type Fault, type Script } from "./openaiScript.ts";
import { streamAnswer } from "./openaiStream.ts";
import { EmbedBody, type EmbedScript, embedAnswer, NO_VECTORS } from "./openaiVectors.ts";
import { formatOf, propsBody, WireBody, wholeAnswer } from "./openaiWire.ts";

/** One request for text, as the fake saw it. */
export type FakeRequest = Exchanged;

export interface FakeOptions {
  readonly reply: (request: FakeRequest) => string | Script;
  /** Answers `/v1/embeddings`; left out, the server makes no vectors. */
  readonly embed?: EmbedScript;
  readonly flavour?: Flavour;
  /** Left out: at once. */
  readonly pace?: Pace;
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

/** A scripted server that speaks the wire format of a real one. */
export interface FakeLlama extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without `/v1`. */
  readonly url: string;
  /** Requests for text, in order of arrival. */
  readonly requests: readonly FakeRequest[];
  /** Every request there was: "GET /v1/models" and so on. */
  readonly seen: readonly string[];
  /** Connections that are open, kept ones too. */
  openSockets(): number;
  /** Slots that work. */
  busySlots(): number;
  /** The first request for text not handed out by this yet. */
  nextRequest(): Promise<FakeRequest>;
  close(): Promise<void>;
}

interface Settled extends Required<Omit<FakeOptions, "reply" | "models" | "embed" | "pace">> {
  readonly reply: FakeOptions["reply"];
  readonly embed?: EmbedScript;
  readonly pace?: Pace;
  readonly models: readonly string[];
}

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
  const slots = createSlots(settled.slots, settled.contextTokens);
  const loaded = settled.pace?.loadMs ? settled.pace.wait(settled.pace.loadMs) : null;
  const server = createServer((incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    // A failure in the fake itself must fail the test that runs it, so it is not caught.
    const isLoading = seen.length <= settled.loadingAnswers;
    void serve({ settled, incoming, response, slots, loaded, isLoading }, (request) => {
      requests.push(request);
      arrivals.add(request);
    });
  });
  const sockets = new Set<unknown>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(settled.port, "127.0.0.1", resolve));
  const close = () => closeServer(server);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    seen,
    openSockets: () => sockets.size,
    busySlots: () => slots.body().filter((it) => "id_task" in it).length,
    nextRequest: arrivals.next,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Exchange {
  readonly settled: Settled;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly slots: Slots;
  /** The model is there, where that takes time. */
  readonly loaded: Promise<void> | null;
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
  if (path === "/slots" && isLlama) return sendJson(response, 200, exchange.slots.body());
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
  const free = exchange.slots.take();
  await exchange.loaded;
  await answer({ request, response, settled }, typeof reply === "string" ? { text: reply } : reply, free);
}

interface Answering {
  readonly request: OpenRequest;
  readonly response: ServerResponse;
  readonly settled: Settled;
}

/** A slot works until its answer is out, or until the server hears that nobody waits for it any more. */
async function answer({ request, response, settled }: Answering, script: Script, free: () => void): Promise<void> {
  const left = new AbortController();
  void request.clientLeft.then(() => {
    if (!script.isDeaf) left.abort();
  });
  response.once("close", () => {
    if (request.state !== "client-left" || !script.isDeaf) free();
  });
  const model = settled.models[0] ?? "";
  const { flavour, pace = null } = settled;
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
    case "drip-headers":
      return dripHeaders(fault, response, left.signal);
    default:
      if (request.body.stream !== true && fault === undefined)
        return sendWhole({ request, response, settled }, script, model);
      await streamAnswer(request, response, { script, fault, model, flavour, pace, left: left.signal });
      if (script.isDeaf) free();
  }
}

async function dripHeaders(
  { everyMs, wait }: Extract<Fault, { kind: "drip-headers" }>,
  { socket }: ServerResponse,
  left: AbortSignal,
): Promise<void> {
  socket?.write("HTTP/1.1 200 OK\r\nx-slow: ");
  while (!left.aborted) {
    socket?.write("a");
    await wait(everyMs, left);
  }
}

/** An answer in one piece; it waits where a stream would wait before its first. */
async function sendWhole({ request, response, settled }: Answering, script: Script, model: string): Promise<void> {
  await Promise.race([script.beforePiece?.(0), request.clientLeft]);
  if (request.state !== "open") return;
  const body = wholeAnswer(request.format, request.body, script, model);
  sendJson(response, 200, inFlavour(settled.flavour, body));
}

function answerVectors(settled: Settled, response: ServerResponse, raw: string): void {
  const body = EmbedBody.parse(JSON.parse(raw));
  const reply = settled.embed?.(body.input, body) ?? NO_VECTORS;
  const answer = embedAnswer(body, reply, settled.models[0] ?? "");
  sendJson(response, answer.status, answer.body);
}

function overflowBody(needed: number, available: number) {
  const message = `request (${needed} tokens) exceeds the available context size (${available} tokens), try increasing it`;
  return errorBody(400, message, "exceed_context_size_error", { n_prompt_tokens: needed, n_ctx: available });
}
