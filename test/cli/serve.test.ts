import assert from "node:assert/strict";
import { test } from "node:test";
import { type ServeFlags, toServe } from "../../server/cli/serve.ts";

const wrong: readonly { name: string; flags: ServeFlags; says: RegExp }[] = [
  { name: "a port that is none", flags: { port: "abc" }, says: /^--port .*received no number/ },
  { name: "half a port", flags: { port: "80.5" }, says: /^--port .*expected a whole number/ },
  { name: "a port beyond the last", flags: { port: "99999" }, says: /^--port .*65535/ },
  { name: "a page's name", flags: { "allow-origin": ["example.org"] }, says: /^--allow-origin: "example.org"/ },
  {
    name: "an origin with a slash, as no browser sends it",
    flags: { "allow-origin": ["https://example.org", "https://example.org/"] },
    says: /"https:\/\/example\.org\/"/,
  },
  { name: "a URL for a host", flags: { "allow-host": ["http://box"] }, says: /^--allow-host: "http:\/\/box"/ },
  { name: "half of TLS", flags: { "tls-key": "key.pem" }, says: /two files/ },
];

for (const { name, flags, says } of wrong)
  test(`serve refuses ${name}`, () => {
    assert.throws(() => toServe(flags, {}), { code: "bad-input", message: says });
  });

test("serve takes origins of pages and of programs that are made of them, and hosts with and without a port", () => {
  const allowedOrigins = ["https://example.org:8443", "app://obsidian.md"];
  const allowedHosts = ["box.example.org", "[fd00::1]:8765"];
  const read = toServe({ "allow-origin": allowedOrigins, "allow-host": allowedHosts }, { TANDEM_HTTP_PORT: "81" });
  assert.deepEqual([read.allowedOrigins, read.allowedHosts, read.port], [allowedOrigins, allowedHosts, 81]);
});
