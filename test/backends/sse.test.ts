import assert from "node:assert/strict";
import { test } from "node:test";
import { readEvents } from "../../server/backends/sse.ts";

const cases: readonly { name: string; text: string; want: readonly string[] }[] = [
  { name: "line feeds", text: "data: a\n\ndata: b\n\n", want: ["message a", "message b"] },
  { name: "CRLF", text: "data: a\r\n\r\ndata: b\r\n\r\n", want: ["message a", "message b"] },
  { name: "lone CR", text: "data: a\r\rdata: b\r\r", want: ["message a", "message b"] },
  { name: "several data lines", text: "data: a\ndata:  b\ndata:\n\n", want: ["message a\n b\n"] },
  { name: "no space after the colon", text: "data:a\n\n", want: ["message a"] },
  { name: "comments, ids and retries", text: ": ping\nid: 7\nretry: 10\n\n:\ndata: a\n\n", want: ["message a"] },
  { name: "named events", text: "event: error\ndata: x\n\ndata: y\n\n", want: ["error x", "message y"] },
  { name: "a field of its own for errors", text: 'error: {"code":500}\n\n', want: ['error {"code":500}'] },
  { name: "characters of four bytes", text: "data: 🦙é漢\n\n", want: ["message 🦙é漢"] },
  { name: "an event cut off is none", text: "data: a\n\ndata: b\n", want: ["message a"] },
  { name: "data that looks like a field", text: "data: event: x\n\n", want: ["message event: x"] },
  { name: "an empty body", text: "", want: [] },
];

async function check(text: string, chunkBytes: number, want: readonly string[]): Promise<void> {
  async function* body() {
    const bytes = new TextEncoder().encode(text);
    for (let from = 0; from < bytes.length; from += chunkBytes) yield bytes.slice(from, from + chunkBytes);
  }
  const events: string[] = [];
  for await (const { event, data } of readEvents(body())) events.push(`${event} ${data}`);
  assert.deepEqual(events, want, `in chunks of ${chunkBytes} bytes`);
}

for (const it of cases)
  test(`events: ${it.name}`, async () => {
    for (const chunkBytes of [1, 2, 3, 7, 10_000]) await check(it.text, chunkBytes, it.want);
  });

test("events: an endless one is refused", async () => {
  async function* body() {
    const chunk = new TextEncoder().encode(`data: ${"x".repeat(1024 * 1024)}`);
    for (;;) yield chunk;
  }
  await assert.rejects(async () => {
    for await (const _ of readEvents(body()));
  }, /endless event/);
});
