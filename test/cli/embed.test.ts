import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import type { Client } from "../../server/cli/client.ts";
import { type Embedding, showVectors, toEmbedding } from "../../server/cli/embed.ts";
import { jsonPrinter, type Printer } from "../../server/cli/printer.ts";
import { type FakeLlama, startFakeLlama } from "../fakes/openaiServer.ts";
import { runCli } from "../server/cli.ts";
import { startOrchestrator, type TestClient, type TestOrchestrator } from "../server/orchestrator.ts";

const never = new AbortController().signal;
let fake: FakeLlama;
let orchestrator: TestOrchestrator;
let client: TestClient;
before(async () => {
  fake = await startFakeLlama({
    models: ["vectors"],
    reply: () => "no",
    embed: (texts) => texts.map((it) => [it.length, 0.5]),
  });
  orchestrator = await startOrchestrator();
  client = await orchestrator.connect({ embed: { endpoint: fake.url } });
});
after(async () => {
  await orchestrator?.[Symbol.asyncDispose]();
  await fake?.[Symbol.asyncDispose]();
});

async function shown(asked: Embedding, given: { lines?: string[]; isJson?: boolean } = {}): Promise<string> {
  const out = new PassThrough();
  const printer: Printer = { ...jsonPrinter(out), event: () => undefined };
  const command: Client = {
    send: (definition, params, onEvent, signal) => client.send(definition, params, { onEvent, signal }),
    [Symbol.asyncDispose]: async () => undefined,
  };
  const input = Readable.from((given.lines ?? []).map((it) => `${it}\n`));
  const said = text(out);
  try {
    await showVectors(asked, { client: command, out, printer, input, isJson: given.isJson === true }, never);
  } finally {
    out.end();
  }
  return said;
}

test("people see what the vectors are like, and what made them", async () => {
  const said = await shown({ kind: "texts", texts: ["abc", "de"] });
  assert.match(said, /^1: 3\.0000 0\.5000 …\n2: 2\.0000 0\.5000 …\n2 texts, 2 numbers each, by vectors in \d+ ms\n/);
  assert.match(said, /^fingerprint \S+\|2\|raw$/m);
});

test("--json prints all of it", async () => {
  const said = JSON.parse(await shown({ kind: "texts", texts: ["abc", "de"] }, { isJson: true }));
  assert.deepEqual(said.vectors, [
    [3, 0.5],
    [2, 0.5],
  ]);
  assert.deepEqual([said.model, said.dimensions], ["vectors", 2]);
  assert.equal(typeof said.fingerprint, "string");
});

test("--jsonl gives a line for each text, however many there are, and a last one", async () => {
  const count = 2_050;
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify(at % 2 ? "x".repeat(at) : { text: "y", id: at }),
  );
  const said = (await shown({ kind: "lines" }, { lines: [...lines, ""] })).trimEnd().split("\n");
  assert.equal(said.length, count + 1);
  assert.deepEqual(JSON.parse(said[2_047] ?? ""), { index: 2_047, embedding: [2_047, 0.5] });
  assert.deepEqual(JSON.parse(said[2_049] ?? "").embedding, [2_049, 0.5]);
  assert.equal(JSON.parse(said.at(-1) ?? "").dimensions, 2);
});

for (const [line, says] of [
  ["{", /Line 2 is no JSON/],
  ["{}", /Line 2 has no text/],
  ['""', /Line 2 has an empty text/],
] as const)
  test(`--jsonl names the line that is wrong: ${line}`, async () => {
    await assert.rejects(shown({ kind: "lines" }, { lines: ['"a"', line] }), { code: "bad-input", message: says });
  });

for (const [words, flags, says] of [
  [[], {}, /No text was given/],
  [["a", " "], {}, /Text 2 of 2 is empty/],
  [["a"], { jsonl: true }, /reads its texts from stdin/],
  [[], { file: join(tmpdir(), "there-is-none.txt") }, /cannot be read/],
] as const)
  test(`refused before anything starts: ${words.join(" ")} ${JSON.stringify(flags)}`, async () => {
    await assert.rejects(toEmbedding(words, flags), { code: "bad-input", message: says });
  });

test("the real command line: words and a file are texts, and stdout has nothing but vectors", async () => {
  const file = import.meta.filename;
  const args = ["embed", "--json", "--embed-endpoint", fake.url, "abc", "--file", file];
  const { code, stdout, stderr } = await runCli(args, { cwd: tmpdir() });
  assert.equal(code, 0, stderr);
  const last = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  assert.deepEqual([last.vectors.length, last.vectors[0]], [2, [3, 0.5]]);
});
