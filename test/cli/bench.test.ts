import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { benchTable } from "../../server/cli/bench.ts";
import { BenchEvent, type Benchmark, bench } from "../../server/protocol/benchmark.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { runCli } from "../server/cli.ts";
import { createInstance } from "../server/instance.ts";

const MODEL = {
  ...{ id: "q", label: "Qwen", parametersB: null, quantisation: null, contextTokens: 4_096 },
  ...{ promptStyle: "chat" as const, isTrial: false },
};
const cwd = tmpdir();
const SMALL = ["--prompts", "32,64", "--tokens", "8", "--repetitions", "2"];

test("a table for people, an event a line for programs, and what was measured again from another orchestrator", async () => {
  await using fake = await startFakeLlama({ reply: () => "nine words that are written one after the other", slots: 2 });
  await using instance = await createInstance();
  const at = { cwd, env: instance.env };
  const shown = await runCli(["bench", ...SMALL, "--endpoint", fake.url], at);
  assert.equal(shown.code, 0, shown.stderr + shown.stdout);
  assert.match(shown.stdout, /1\/6 +\S+: a first request, which does not count\n/);
  assert.match(shown.stdout, /read \d+ \(asked for 32\) +[\d.]+ ± [\d.]+ +[\d.]+ s to the first token/);
  assert.match(shown.stdout, /\n\S.*2 at once +[\d.]+ ± /);
  assert.match(shown.stdout, /not loaded again: it is a server's/);

  const told = await runCli(["bench", "--json", ...SMALL, "--endpoint", fake.url], at);
  const lines = told.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const last = lines.pop();
  for (const line of lines) BenchEvent.parse(line);
  const { benchmarks } = bench.result.parse(last.result);
  assert.equal(benchmarks[0]?.prompts.length, 2);

  const stored = await runCli(["bench", "--stored", "--json"], at);
  assert.deepEqual(JSON.parse(stored.stdout).benchmarks[0], benchmarks[0]);
  assert.equal(JSON.parse(stored.stdout).benchmarks.length, 2);
});

test("a notice that was told while it was measured is not told again, and no notice twice", () => {
  const spread = { median: 5, least: 5, most: 5, samples: 1 };
  const measured: Benchmark = {
    ...{ model: MODEL, backend: "embedded", device: "cpu", decode: null, batches: [], atMs: 0 },
    ...{ engine: "draft", cards: [], slots: 1 },
    load: { firstMs: 1_000, againMs: null, why: "it was not to be" },
    prompts: [
      { promptTokens: 56, askedTokens: 32, ttftMs: spread, prefillPerSecond: spread },
      { promptTokens: 64, askedTokens: 64, ttftMs: spread, prefillPerSecond: spread },
    ],
    notices: ["no GPU build", "others were at work", "others were at work"],
  };
  const table = benchTable([measured], new Set(["no GPU build"]));
  assert.deepEqual(table.match(/Qwen: .*/g)?.slice(1), ["Qwen: others were at work"]);
  assert.match(table, /read 56 \(asked for 32\) +5\.0/);
  assert.match(table, /read 64 +5\.0/);
});

for (const { args, says } of [
  { args: ["--prompts", "many"], says: /--prompts: / },
  { args: ["--tokens", "1"], says: /--tokens: / },
  { args: ["--repetitions", "0"], says: /--repetitions: / },
])
  test(`refused before anything is started: ${args.join(" ")}`, async () => {
    const run = await runCli(["bench", "--json", ...args], { cwd });
    assert.equal(run.code, 1);
    const { code, message } = JSON.parse(run.stdout);
    assert.equal(code, "bad-input");
    assert.match(message, says);
  });
