import assert from "node:assert/strict";
import { test } from "node:test";
import { Catalogue, catalogue } from "../../server/models/catalogue.ts";

for (const entry of catalogue)
  test(`${entry.id} is told how big it is, what it may be used for and what it must hash to`, () => {
    assert.ok(entry.sha256 !== null);
    assert.ok(entry.contextTokens <= entry.maxContextTokens);
    // An eight-bit model has a bit more than a byte per parameter, a four-bit one than half, a two-bit one than a quarter.
    const bytesPerParameter = entry.bytes / (entry.parametersB * 1e9);
    assert.ok(bytesPerParameter > 0.25 && bytesPerParameter < 1.1, String(bytesPerParameter));
    for (const source of entry.sources) {
      // A branch could change under us: the file is named by its commit.
      if (source.kind === "url") assert.match(source.url, /\/resolve\/[0-9a-f]{40}\/[^/]+\.gguf$/);
      else
        assert.equal(
          source.packages.reduce((sum, it) => sum + it.bytes, 0),
          entry.bytes,
        );
    }
  });

test("one model is for trying out, and it alone needs nothing but npm", () => {
  assert.deepEqual(
    catalogue.filter((it) => it.isTrial).map((it) => it.id),
    catalogue.filter((it) => it.sources.some((source) => source.kind === "npm")).map((it) => it.id),
  );
});

const [first] = catalogue;
const faults: readonly { name: string; entry: object }[] = [
  { name: "an id that leaves the folder", entry: { id: "../x" } },
  { name: "a hash that is none", entry: { sha256: "abc" } },
  { name: "no source", entry: { sources: [] } },
  { name: "an address that is none", entry: { sources: [{ kind: "url", url: "file:///etc/passwd" }] } },
  {
    name: "a package name that is an argument",
    entry: { sources: [{ kind: "npm", packages: [{ name: "--registry=x", version: "1.0.0", file: "m", bytes: 1 }] }] },
  },
];
for (const it of faults)
  test(`refused: ${it.name}`, () => assert.equal(Catalogue.safeParse([{ ...first, ...it.entry }]).success, false));
test("refused: the same id twice", () => assert.equal(Catalogue.safeParse([first, first]).success, false));
