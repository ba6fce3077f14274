import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { startDoor, type TestDoor } from "./door.ts";
import { BEARER, check, DEADLINE_MS, ErrorShape, POST, type Row } from "./rows.ts";
import { exchange, firstAnswer, head } from "./socket.ts";

const chat = JSON.stringify({ model: "auto", messages: [{ role: "user", content: "hi" }] });

let door: TestDoor;
before(async () => {
  door = await startDoor({}, { limits: { headersMs: 500, requestMs: 1_000, bodyBytes: 100_000 } });
});
after(() => door[Symbol.asyncDispose]());

const host = () => `127.0.0.1:${door.port}`;
const open = (headers: Readonly<Record<string, string>> = {}) => ({ host: host(), ...headers });
const posting = (headers: Readonly<Record<string, string>> = {}) =>
  open({ "content-type": "application/json", ...BEARER, ...headers });

const rows: readonly Row[] = [
  {
    name: "no type",
    line: POST,
    headers: () => ({ host: host(), ...BEARER }),
    body: chat,
    want: 415,
    code: "bad_content_type",
  },
  {
    name: "a form, as pages may send without asking",
    line: POST,
    headers: () => posting({ "content-type": "text/plain" }),
    body: chat,
    want: 415,
    code: "bad_content_type",
  },
  {
    name: "compressed",
    line: POST,
    headers: () => posting({ "content-encoding": "gzip" }),
    body: chat,
    want: 415,
    code: "bad_encoding",
  },
  { name: "no JSON", line: POST, headers: () => posting(), body: "{", want: 400, code: "bad_json" },
  { name: "no body", line: POST, headers: () => posting(), body: "", want: 400, code: "bad_json" },
  {
    name: "no UTF-8",
    line: POST,
    headers: () => posting(),
    body: Buffer.from('{"a":"\xff"}', "latin1"),
    want: 400,
    code: "bad_json",
  },
  {
    name: "too deep",
    line: POST,
    headers: () => posting(),
    body: `{"a":${"[".repeat(64)}${"]".repeat(64)}}`,
    want: 400,
    code: "too_deep",
  },
  {
    name: "a key that reaches into prototypes",
    line: POST,
    headers: () => posting(),
    body: '{"__proto__":{"isAdmin":true}}',
    want: 400,
    code: "bad_json",
  },
  {
    name: "that key, hidden",
    line: POST,
    headers: () => posting(),
    body: '{"a":[{"\\u005f_proto__":1}]}',
    want: 400,
    code: "bad_json",
  },
  {
    name: "a body that says it is too large",
    line: POST,
    headers: () => posting({ "content-length": "100001" }),
    want: 413,
    code: "body_too_large",
  },
  {
    name: "headers that are too long",
    headers: () => open({ "x-long": "a".repeat(17_000) }),
    want: 431,
    code: "headers_too_large",
  },
  {
    name: "a body that never comes",
    line: POST,
    headers: () => posting({ "content-length": "10" }),
    want: 408,
    code: "request_timeout",
  },
];

check(
  rows,
  () => door,
  () => undefined,
);

test("a body in chunks is counted as it comes", async () => {
  const chunk = `186a0\r\n${"a".repeat(100_000)}\r\n`;
  const bytes = `${head(POST, posting({ "transfer-encoding": "chunked" }))}${chunk}${chunk}`;
  assert.equal(firstAnswer(await exchange(door.port, bytes, DEADLINE_MS))?.status, 413);
});

test("what is no HTTP gets 400 in OpenAI's shape", async () => {
  const answer = firstAnswer(await exchange(door.port, "\x16\x03\x01junk\r\n\r\n", DEADLINE_MS));
  assert.equal(answer?.status, 400);
  assert.equal(ErrorShape.parse(JSON.parse(answer.body)).error.code, "bad_http");
});

test("headers that come drop by drop are not waited for (slow loris)", async () => {
  const socket = connect(door.port, "127.0.0.1");
  socket.write("GET /health HTTP/1.1\r\n");
  const drip = setInterval(() => socket.write("x-a: b\r\n"), 100);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  clearInterval(drip);
  assert.equal(firstAnswer(Buffer.concat(chunks).toString())?.status, 408);
});

test("a connection that says nothing is closed", async () => {
  assert.equal(firstAnswer(await exchange(door.port, "", DEADLINE_MS))?.status, 408);
});
