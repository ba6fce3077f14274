import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { promptOf, type WireBody, type WireFormat } from "./openaiWire.ts";

/** One request for text, as the fake saw it. */
export interface Exchanged {
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
  /** Resolves when the socket it came by is closed for good, both ways. */
  readonly socketClosed: Promise<void>;
}

export type OpenRequest = { -readonly [key in keyof Exchanged]: Exchanged[key] };

export function openRequest(given: {
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
    socketClosed: closingOf(incoming.socket),
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

const closings = new WeakMap<Socket, Promise<void>>();

/** One for all requests that come by it. */
function closingOf(socket: Socket): Promise<void> {
  const known = closings.get(socket) ?? new Promise<void>((resolve) => socket.once("close", () => resolve()));
  closings.set(socket, known);
  return known;
}

export function breakOff(request: OpenRequest, response: ServerResponse): void {
  request.state = "broken-off";
  response.destroy();
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendBody(response, status, body, {});
}

export function sendBody(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  const isText = typeof body === "string";
  response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json", ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

export function createArrivals<T>(): { add(item: T): void; next(): Promise<T> } {
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

export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
