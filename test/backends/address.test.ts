import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../../server/backends/address.ts";
import { TandemError } from "../../server/errors.ts";

const good: readonly (readonly [text: string, root: string])[] = [
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
  ["http://127.0.0.1:8080/", "http://127.0.0.1:8080"],
  ["http://127.0.0.1:8080/v1", "http://127.0.0.1:8080"],
  ["  http://127.0.0.1:8080/v1/  ", "http://127.0.0.1:8080"],
  ["http://localhost:11434/v1/chat/completions", "http://localhost:11434"],
  ["HTTP://LocalHost:8080/completion", "http://localhost:8080"],
  ["https://host/openai/v1", "https://host/openai"],
  ["https://host/a/b//", "https://host/a/b"],
  ["http://[::1]:8080/v1", "http://[::1]:8080"],
];
for (const [text, root] of good)
  test(`address: ${text}`, () => {
    const { host } = new URL(root);
    assert.deepEqual(parseAddress(text), { root, api: `${root}/v1`, host });
  });

const bad: readonly (readonly [text: string, why: RegExp])[] = [
  ["", /must start with http/],
  ["localhost:8080", /must start with http/],
  ["ftp://host", /must start with http/],
  ["file:///etc/passwd", /must start with http/],
  ["http://", /not a URL/],
  ["http://host:99999", /not a URL/],
  ["http://user:hunter2@host", /apiKey/],
  ["http://host/v1?key=1", /\? or #/],
];
for (const [text, why] of bad)
  test(`address refused: ${text}`, () => {
    assert.throws(
      () => parseAddress(text),
      (error) =>
        error instanceof TandemError &&
        error.code === "not-configured" &&
        why.test(error.message) &&
        !error.message.includes("hunter2"),
    );
  });
