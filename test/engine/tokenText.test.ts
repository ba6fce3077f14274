import assert from "node:assert/strict";
import { test } from "node:test";
import type { Token } from "node-llama-cpp";
import { createTokenText } from "../../server/engine/tokenText.ts";

/** A tokenizer whose tokens are bytes: the worst case. */
const bytes = { detokenize: (tokens: readonly Token[]) => new TextDecoder().decode(Uint8Array.from(tokens)) };

const cases: readonly { name: string; bytes: Uint8Array; want: readonly string[] }[] = [
  { name: "ASCII", bytes: new TextEncoder().encode("ab"), want: ["a", "b"] },
  { name: "two, three and four bytes", bytes: new TextEncoder().encode("é漢🦙!"), want: ["é", "漢", "🦙", "!"] },
  { name: "a character that never ends", bytes: Uint8Array.of(0x61, 0xf0, 0x9f), want: ["a", "\uFFFD"] },
  {
    name: "bytes that are no UTF-8 do not hold the rest up",
    bytes: Uint8Array.of(0xff, 0x61, 0x62),
    want: ["\uFFFDa", "b"],
  },
];

for (const it of cases)
  test(`token text: ${it.name}`, () => {
    const text = createTokenText(bytes, []);
    const pieces = [...it.bytes].map((byte) => text.add(byte as Token));
    assert.deepEqual(
      [...pieces, text.end()].filter((piece) => piece !== ""),
      it.want,
    );
  });
