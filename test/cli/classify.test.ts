import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { z } from "zod";
import { showClassification, toClassifying } from "../../server/cli/classify.ts";
import { Action, Tier } from "../../server/protocol/run.ts";

const ENTRY = join(import.meta.dirname, "..", "..", "server", "cli.ts");
const Answer = z.strictObject({
  action: Action,
  tier: Tier,
  confidence: z.number().min(0).max(1),
  why: z.string().min(1),
  model: z.string().optional(),
});

test("one answer per line, in order; what code there is makes the tier", async () => {
  const code = Array.from({ length: 200 }, (_, at) => `const x${at} = ${at};`).join("\n");
  const { lines, exitCode } = await classified([
    JSON.stringify({ instruction: "write unit tests for parseRow" }),
    JSON.stringify({ instruction: "document this class", language: "java", action: "fix" }),
    "",
    JSON.stringify({ instruction: "document this class", code }),
  ]);
  const answers = lines.map((it) => Answer.parse(JSON.parse(it)));
  assert.deepEqual(
    answers.map((it) => [it.action, it.tier]),
    [
      ["test", "moderate"],
      ["docstring", "simple"],
      ["docstring", "moderate"],
    ],
  );
  assert.match(answers[2]?.why ?? "", /200 lines/);
  assert.equal(exitCode, 0);
});

test("a line that cannot be read is told by its number, the others are answered, and the end says so", async () => {
  const { lines, exitCode } = await classified([
    "{",
    '{"code":"x"}',
    '{"instruction":7}',
    '{"instruction":"explain it"}',
  ]);
  const [broken, missing, wrong, fine] = lines.map((it) => JSON.parse(it) as Record<string, unknown>);
  assert.match(String(broken?.error), /no JSON/);
  assert.match(String(missing?.error), /^instruction: /);
  assert.match(String(wrong?.error), /^instruction: /);
  assert.deepEqual([broken?.line, missing?.line, wrong?.line], [1, 2, 3]);
  assert.equal(fine?.action, "explain");
  assert.equal(exitCode, 1);
});

test("a line without an end is not kept, and lines are answered before the input is at its end", async () => {
  const input = new Readable({ read: () => undefined });
  const first = Promise.withResolvers<string>();
  const said: string[] = [];
  const out = new Writable({
    write(chunk, _encoding, next) {
      said.push(String(chunk));
      first.resolve(String(chunk));
      next();
    },
  });
  const done = showClassification(toClassifying([], { jsonl: true }), { out, input, rules: [] });
  input.push('{"instruction":"add a docstring to total"}\n');
  assert.match(await first.promise, /"docstring"/);
  for (let part = 0; part < 12; part++) input.push("x".repeat(100_000));
  input.push('\n{"instruction":"explain total"}');
  input.push(null);
  assert.equal(await done, 1);
  assert.match(said[1] ?? "", /longer than 1000000 characters","line":2/);
  assert.match(said[2] ?? "", /"explain"/);
});

for (const { words, flags, says } of [
  { words: ["fix", "it"], flags: { jsonl: true }, says: /from stdin/ },
  { words: [], flags: {}, says: /nothing to classify/ },
  { words: [" "], flags: { json: true }, says: /nothing to classify/ },
])
  test(`refused: ${JSON.stringify({ words, ...flags })}`, () => {
    assert.throws(() => toClassifying(words, flags), { code: "bad-input", message: says });
  });

test("as a command: rules of the configuration count, and no orchestrator is started", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tandem-classify-"));
  const config = join(folder, "tandem.json");
  await writeFile(config, JSON.stringify({ tasks: { rules: [{ pattern: "^ship", action: "implement" }] } }));
  const folders = { TANDEM_STATE: folder, TANDEM_RUNTIME: folder, TANDEM_CACHE: folder };
  const env = { ...process.env, ...folders, TANDEM_CONFIG: config };
  const child = spawn(process.execPath, [ENTRY, "classify", "ship", "it"], { env });
  assert.match(await text(child.stdout), /^implement, complex \(certain\)\n {2}your rule "\^ship" matches\n$/);
  assert.deepEqual(await readdir(folder), ["tandem.json"]);
  await rm(folder, { recursive: true });
});

async function classified(given: readonly string[]): Promise<{ lines: string[]; exitCode: number }> {
  const said: string[] = [];
  const out = new Writable({
    write(chunk, _encoding, next) {
      said.push(String(chunk));
      next();
    },
  });
  const input = Readable.from([given.join("\n")]);
  const exitCode = await showClassification(toClassifying([], { jsonl: true }), { out, input, rules: [] });
  return { lines: said.join("").trim().split("\n"), exitCode };
}
