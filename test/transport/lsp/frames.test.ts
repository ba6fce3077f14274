import assert from "node:assert/strict";
import { test } from "node:test";
import { createFrames, MOST_BODY_BYTES, MOST_HEADER_BYTES } from "../../../server/transport/lsp/frames.ts";
import { framed } from "../door.ts";

/** What comes out of pieces of a stream: bodies, then why it broke. */
function cut(chunks: Iterable<Buffer>): string[] {
  const frames = createFrames();
  const found: string[] = [];
  for (const chunk of chunks)
    for (const it of frames.push(chunk)) found.push(it.kind === "body" ? it.bytes.toString() : `broken: ${it.why}`);
  return found;
}

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const bodies = ['{"a":1}', "", `"${"é😀".repeat(40_000)}"`, "[]"];
const stream = Buffer.concat(bodies.map(framed));

for (const size of [1, 2, 3, 7, 1_000, 65_536, stream.length])
  test(`messages in pieces of ${size} bytes`, () => assert.deepEqual(cut(pieces(stream, size)), bodies));

test("header names in any case, another header, spaces", () => {
  const header = "content-LENGTH:  2 \r\nContent-Type: application/vscode-jsonrpc; charset=utf8\r\nX-More: 1\r\n\r\n{}";
  assert.deepEqual(cut([Buffer.from(header)]), ["{}"]);
});

interface Bad {
  readonly name: string;
  readonly header: string;
  readonly says: RegExp;
}

const bad: readonly Bad[] = [
  { name: "no length", header: "X-More: 1", says: /without Content-Length/ },
  { name: "a negative length", header: "Content-Length: -1", says: /no number/ },
  { name: "a length that is no number", header: "Content-Length: NaN", says: /no number/ },
  { name: "a length in hexadecimal", header: "Content-Length: 0x10", says: /no number/ },
  { name: "an empty length", header: "Content-Length:", says: /no number/ },
  { name: "a length beyond the limit", header: `Content-Length: ${MOST_BODY_BYTES + 1}`, says: /more than/ },
  { name: "a length beyond any number", header: `Content-Length: ${"9".repeat(400)}`, says: /more than/ },
  { name: "two lengths", header: "Content-Length: 2\r\ncontent-length: 2", says: /two/ },
  { name: "a line that is no header", header: "GET / HTTP/1.1", says: /no header/ },
  { name: "another character set", header: "Content-Length: 2\r\nContent-Type: a/b; charset=utf-16", says: /UTF-8/ },
  { name: "a header that never ends", header: `X: ${"x".repeat(MOST_HEADER_BYTES)}`, says: /header of more/ },
];

for (const it of bad)
  for (const size of [1, 100_000])
    test(`${it.name}, in pieces of ${size}: the stream is broken, and nothing comes after`, () => {
      const found = cut(pieces(Buffer.concat([framed("{}"), Buffer.from(`${it.header}\r\n\r\n`), framed("{}")]), size));
      assert.equal(found.length, 2);
      assert.match(found[1] ?? "", /^broken: /);
      assert.match(found[1] ?? "", it.says);
    });
