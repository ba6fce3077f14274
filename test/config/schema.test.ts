import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "jsonc-parser";
import { schemaText } from "../../server/cli/config.ts";
import { readConfig } from "../../server/config/read.ts";
import { STARTER } from "../../server/config/starter.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the published schema is the one that files are read by: npm run schema writes it", () => {
  assert.deepEqual(JSON.parse(read("schemas/tandem.schema.json")), JSON.parse(schemaText()));
});

test("the editor knows the schema by the file's name, and it is in the package", () => {
  const { contributes, files } = JSON.parse(read("package.json"));
  const [{ fileMatch, url }] = contributes.jsonValidation;
  assert.deepEqual([fileMatch, url], ["tandem.jsonc", "./schemas/tandem.schema.json"]);
  assert.ok(files.includes("schemas"));
});

test("the file to begin with says nothing, and is right when its comments are taken away", () => {
  assert.deepEqual(readConfig(STARTER), { part: {}, problems: [], isBroken: false });
  const lines = STARTER.split("\n").map((it) => it.replace(/^( *)\/\/ (?=[ "[\]{}])/, "$1"));
  const open = lines.map((it) => (/^ +("|\]|\}|\{)/.test(it) ? it : it.replace(/^ *\/\/.*/, ""))).join("\n");
  const told = readConfig(open.replace(/^( *(?:\]|\}))$/gm, "$1").replace(/([\]}])\n(\s*")/g, "$1,\n$2"));
  assert.deepEqual(told.problems, []);
  assert.deepEqual(Object.keys(parse(open)).sort(), [
    "backends",
    "cloud",
    "discovery",
    "hosts",
    "memory",
    "models",
    "roles",
    "thermal",
  ]);
});
