import assert from "node:assert/strict";
import { test } from "node:test";
import { headerText } from "../../server/transport/http/headerText.ts";

for (const text of ["plain", "50 % of it", "größer", "日本語 🙂", "a\r\nset-cookie: b", "\u0000", "~ !"])
  test(`${JSON.stringify(text)} passes as a header and comes back`, () => {
    const sent = headerText(text);
    assert.match(sent, /^[ -~]*$/);
    assert.equal(decodeURIComponent(sent), text);
    new Headers({ "x-tandem-why": sent });
  });

test("half a character is replaced", () => assert.equal(decodeURIComponent(headerText("a\ud800b")), "a\ufffdb"));

test("a long text is cut, not in the middle of a character", () => {
  const sent = decodeURIComponent(headerText("🙂".repeat(1_000)));
  assert.ok(sent.length < 500);
  assert.match(sent, /^(🙂)+\ufffd?…$/u);
});
