import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { KEY, startDoor, type TestDoor } from "./door.ts";
import { BEARER, check, DEADLINE_MS, POST, type Row } from "./rows.ts";
import { exchange, firstAnswer } from "./socket.ts";

const ORIGIN = "https://allowed.example";
const chat = JSON.stringify({ model: "auto", messages: [{ role: "user", content: "hi" }] });

let door: TestDoor;
before(async () => {
  const allowedHosts = ["tandem.example", "proxied.example:8443"];
  door = await startDoor({}, { allowedHosts, allowedOrigins: [ORIGIN] });
});
after(() => door[Symbol.asyncDispose]());

const host = () => `127.0.0.1:${door.port}`;
const open = (headers: Readonly<Record<string, string>> = {}) => ({ host: host(), ...headers });
const posting = (headers: Readonly<Record<string, string>> = {}) =>
  open({ "content-type": "application/json", ...BEARER, ...headers });

const rows: readonly Row[] = [
  { name: "this address", headers: open, want: 200 },
  { name: "localhost with the port", headers: () => ({ host: `localhost:${door.port}` }), want: 200 },
  { name: "localhost without", headers: () => ({ host: "localhost" }), want: 200 },
  { name: "IPv6's own", headers: () => ({ host: `[::1]:${door.port}` }), want: 200 },
  { name: "a name that was allowed", headers: () => ({ host: "Tandem.example" }), want: 200 },
  { name: "a name that was allowed with its port", headers: () => ({ host: "proxied.example:8443" }), want: 200 },
  {
    name: "that name with another port",
    headers: () => ({ host: "proxied.example:1" }),
    want: 403,
    code: "host_not_allowed",
  },
  {
    name: "a page's name (DNS rebinding)",
    headers: () => ({ host: `evil.example:${door.port}` }),
    want: 403,
    code: "host_not_allowed",
  },
  {
    name: "a name that begins well",
    headers: () => ({ host: "localhost.evil.example" }),
    want: 403,
    code: "host_not_allowed",
  },
  { name: "another address", headers: () => ({ host: "10.0.0.1" }), want: 403, code: "host_not_allowed" },
  { name: "no host", headers: () => ({}), want: 400, code: "bad_host" },
  { name: "no host at all in a name", headers: () => ({ host: "a b" }), want: 400, code: "bad_host" },
  {
    name: "a wrong host with the key",
    headers: () => ({ host: "evil.example", ...BEARER }),
    want: 403,
    code: "host_not_allowed",
  },
  {
    name: "a wrong host for no path",
    line: "GET /nope",
    headers: () => ({ host: "evil.example" }),
    want: 403,
    code: "host_not_allowed",
  },
  {
    name: "a wrong host for a path that cannot be read",
    line: "GET /%zz",
    headers: () => ({ host: "evil.example" }),
    want: 403,
    code: "host_not_allowed",
  },
  {
    name: "a wrong host with a method there is not",
    line: "PROPFIND /health",
    headers: () => ({ host: "evil.example" }),
    want: 403,
    code: "host_not_allowed",
  },
  {
    name: "a target for a proxy",
    line: "GET http://evil.example/health",
    headers: open,
    want: 400,
    code: "bad_target",
  },
  {
    name: "a page's origin",
    headers: () => open({ origin: "https://evil.example" }),
    want: 403,
    code: "origin_not_allowed",
  },
  { name: "no origin that has a name", headers: () => open({ origin: "null" }), want: 403, code: "origin_not_allowed" },
  {
    name: "this server's own origin",
    headers: () => open({ origin: `http://${host()}` }),
    want: 403,
    code: "origin_not_allowed",
  },
  { name: "an origin that was allowed", headers: () => open({ origin: ORIGIN }), want: 200 },
  { name: "a page's image", headers: () => open({ "sec-fetch-site": "cross-site" }), want: 403, code: "cross_site" },
  {
    name: "a page of another port",
    headers: () => open({ "sec-fetch-site": "same-site" }),
    want: 403,
    code: "cross_site",
  },
  { name: "what the user typed", headers: () => open({ "sec-fetch-site": "none" }), want: 200 },
  {
    name: "a page's preflight",
    line: "OPTIONS /health",
    headers: () => open({ origin: "https://evil.example", "access-control-request-method": "GET" }),
    want: 403,
  },
  { name: "OPTIONS of a program", line: "OPTIONS /health", headers: open, want: 405 },
  { name: "TRACE", line: "TRACE /health", headers: () => open(BEARER), want: 405 },
  { name: "CONNECT", line: "CONNECT evil.example:443", headers: open, want: 405 },
  {
    name: "a web socket",
    headers: () => open({ connection: "upgrade", upgrade: "websocket" }),
    want: 400,
    code: "no_upgrade",
  },
  { name: "an offer of HTTP/2", headers: () => open({ connection: "upgrade, close", upgrade: "h2c" }), want: 200 },
  { name: "a path there is not", line: "GET /nope", headers: () => open(BEARER), want: 404, code: "unknown_url" },
  {
    name: "a path there is not, without the key",
    line: "GET /nope",
    headers: open,
    want: 401,
    code: "invalid_api_key",
  },
  {
    name: "a method that a path does not know",
    line: "DELETE /health",
    headers: () => open(BEARER),
    want: 405,
    code: "method_not_allowed",
  },
  {
    name: "no key",
    line: POST,
    headers: () => posting({ authorization: "" }),
    body: chat,
    want: 401,
    code: "invalid_api_key",
  },
  {
    name: "a wrong key",
    line: POST,
    headers: () => posting({ authorization: "Bearer wrong" }),
    body: chat,
    want: 401,
    code: "invalid_api_key",
  },
  {
    name: "the beginning of the key",
    line: POST,
    headers: () => posting({ authorization: `Bearer ${KEY.slice(0, -1)}` }),
    body: chat,
    want: 401,
    code: "invalid_api_key",
  },
  {
    name: "an empty key",
    line: POST,
    headers: () => posting({ authorization: "Bearer " }),
    body: chat,
    want: 401,
    code: "invalid_api_key",
  },
  {
    name: "the key in a header of its own",
    line: "GET /openapi.json",
    headers: () => open({ "x-internal-api-key": KEY }),
    want: 200,
  },
  {
    name: "the key as Azure's clients send it",
    line: "GET /openapi.json",
    headers: () => open({ "api-key": KEY }),
    want: 200,
  },
  { name: "the description without a key", line: "GET /openapi.json", headers: open, want: 401 },
];

check(
  rows,
  () => door,
  ({ headers }, answer) => {
    const isPage = headers().origin === ORIGIN;
    assert.equal(answer.headers["access-control-allow-origin"], isPage ? ORIGIN : undefined);
  },
);

test("two Host headers are one too many", async () => {
  const bytes = `GET /health HTTP/1.1\r\nhost: ${host()}\r\nhost: evil.example\r\nconnection: close\r\n\r\n`;
  assert.equal(firstAnswer(await exchange(door.port, bytes, DEADLINE_MS))?.status, 400);
});

test("a header behind a thousand others is seen", async () => {
  const many = Array.from({ length: 2_500 }, () => "a:\r\n").join("");
  const bytes = `GET /health HTTP/1.1\r\nhost: ${host()}\r\n${many}origin: https://evil.example\r\nconnection: close\r\n\r\n`;
  assert.equal(firstAnswer(await exchange(door.port, bytes, DEADLINE_MS))?.status, 403);
});

test("an allowed page may ask first, and read", async () => {
  const answer = await fetch(`${door.url}/v1/chat/completions`, {
    method: "OPTIONS",
    headers: {
      origin: ORIGIN,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    },
  });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers.get("access-control-allow-origin"), ORIGIN);
  assert.equal(answer.headers.get("access-control-allow-headers"), "authorization,content-type");
});
