import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Refused } from "./refused.ts";

const JSON_TYPE = "application/json; charset=utf-8";

/** Turns a request down before it reaches a route. */
export function sendRefused(request: IncomingMessage, response: ServerResponse, refused: Refused): void {
  const body = JSON.stringify(refused.body());
  const headers = { "content-type": JSON_TYPE, "content-length": Buffer.byteLength(body) };
  response.writeHead(refused.status, { ...refused.headers, ...headers });
  response.end(request.method === "HEAD" ? "" : body);
}

/** An answer to what is no request that Node could read; the connection ends with it. */
export function rawAnswer(refused: Refused): string {
  const body = JSON.stringify(refused.body());
  const headers = { "content-type": JSON_TYPE, "content-length": Buffer.byteLength(body), connection: "close" };
  const lines = Object.entries({ ...refused.headers, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${refused.status} ${STATUS_CODES[refused.status]}\r\n${lines.join("")}\r\n${body}`;
}
