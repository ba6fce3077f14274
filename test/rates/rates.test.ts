import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { RateKey, RateSample } from "../../server/core/rates.ts";
import type { Log } from "../../server/ports.ts";
import type { Benchmark } from "../../server/protocol/benchmark.ts";
import { createRateBook } from "../../server/rates/rates.ts";
import { recordingLog, silentLog } from "../fakes/log.ts";

const KEY: RateKey = { model: "m", quantisation: "Q4_K_M", device: "GPU-1", engine: "embedded", options: "a" };
/** 1,000 tokens a second read, 50 written. */
const ANSWER: RateSample = { promptTokens: 500, prefillMs: 500, completionTokens: 100, decodeMs: 2_000 };
const spread = { median: 1, least: 1, most: 1, samples: 1 };
const BENCHMARK: Benchmark = {
  atMs: 1,
  engine: "draft",
  model: {
    id: "m",
    label: "M",
    parametersB: 1,
    quantisation: "Q4_K_M",
    contextTokens: 4_096,
    promptStyle: "chat",
    isTrial: false,
  },
  backend: "embedded",
  device: "cuda:0",
  cards: ["GPU-1"],
  slots: 1,
  load: { firstMs: 900, againMs: null, why: "it was not to be unloaded" },
  prompts: [{ promptTokens: 500, ttftMs: spread, prefillPerSecond: spread }],
  decode: { completionTokens: 64, perSecond: spread },
  batches: [],
  notices: [],
};

async function place() {
  const folder = await mkdtemp(join(tmpdir(), "tandem-rates-"));
  let nowMs = 1_000_000;
  const open = async (log: Log = silentLog) => {
    const book = createRateBook({ folder, log, wallMs: () => nowMs++ });
    await book.open();
    return book;
  };
  return { folder, open, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

test("what was measured is there after a restart", async () => {
  await using at = await place();
  {
    await using book = await at.open();
    book.note(KEY, ANSWER);
    book.noteLoad(KEY, 1_234);
  }
  await using book = await at.open();
  const { atMs: _, ...known } = book.known(KEY, true) ?? assert.fail();
  assert.deepEqual(known, { prefillPerSecond: 1_000, decodePerSecond: 50, loadMs: 1_234, by: "work" });
});

test("newer answers count for three tenths, and a restart forgets nothing of the average", async () => {
  await using at = await place();
  {
    await using book = await at.open();
    book.note(KEY, ANSWER);
  }
  await using book = await at.open();
  book.note(KEY, { ...ANSWER, decodeMs: 1_000 });
  assert.equal(book.known(KEY, true)?.decodePerSecond, 65);
});

const others: readonly { readonly name: string; readonly change: Partial<RateKey>; readonly isKnown: boolean }[] = [
  { name: "another model", change: { model: "n" }, isKnown: false },
  { name: "another quantisation", change: { quantisation: "Q8_0" }, isKnown: false },
  { name: "a quantisation that nobody tells", change: { quantisation: "" }, isKnown: true },
  { name: "another engine", change: { engine: "llama-server" }, isKnown: false },
  { name: "other options", change: { options: "b" }, isKnown: false },
];
for (const it of others)
  test(`${it.name}: ${it.isKnown ? "known" : "not known"}`, async () => {
    await using at = await place();
    await using book = await at.open();
    book.note(KEY, ANSWER);
    assert.equal(book.known({ ...KEY, ...it.change }, true) !== null, it.isKnown);
  });

test("another card's rates count only until it is said where the model goes", async () => {
  await using at = await place();
  await using book = await at.open();
  book.note(KEY, ANSWER);
  assert.equal(book.known({ ...KEY, device: "GPU-2" }, true), null);
  assert.equal(book.known({ ...KEY, device: "auto" }, false)?.decodePerSecond, 50);
  assert.equal(book.known({ ...KEY, device: "cpu" }, false), null);
});

test("answers too short to say anything say nothing", async () => {
  await using at = await place();
  await using book = await at.open();
  book.note(KEY, { promptTokens: 3, prefillMs: 1, completionTokens: 2, decodeMs: 1 });
  book.note(KEY, { ...ANSWER, prefillMs: 0, decodeMs: 0 });
  assert.equal(book.known(KEY, true), null);
});

test("a benchmark takes the place of the average, keeps the load's time, and is told again, the newest first", async () => {
  await using at = await place();
  {
    await using book = await at.open();
    book.note(KEY, ANSWER);
    book.noteLoad(KEY, 700);
    for (const atMs of [1, 2])
      book.noteBenchmark(KEY, { prefillPerSecond: 3_000, decodePerSecond: 90, loadMs: null }, { ...BENCHMARK, atMs });
  }
  await using book = await at.open();
  const { atMs: _, ...known } = book.known(KEY, true) ?? assert.fail();
  assert.deepEqual(known, { prefillPerSecond: 3_000, decodePerSecond: 90, loadMs: 700, by: "benchmark" });
  assert.deepEqual(
    book.benchmarks().map((it) => it.atMs),
    [2, 1],
  );
});

test("there are 500 rates and 200 benchmarks at most, the newest", async () => {
  await using at = await place();
  {
    await using book = await at.open();
    for (let nth = 0; nth < 620; nth++) book.note({ ...KEY, model: `m${nth}` }, ANSWER);
    for (let nth = 0; nth < 210; nth++)
      book.noteBenchmark(KEY, { prefillPerSecond: 1, decodePerSecond: 1, loadMs: 1 }, { ...BENCHMARK, atMs: nth });
  }
  await using book = await at.open();
  assert.equal(book.benchmarks().length, 200);
  assert.equal(book.benchmarks()[0]?.atMs, 209);
  const known = Array.from({ length: 620 }, (_, nth) => book.known({ ...KEY, model: `m${nth}` }, true) !== null);
  assert.equal(known.filter(Boolean).length, 499, "and the one that was benchmarked");
  assert.ok(known.at(-1) && !known[0]);
});

test("a file that is none is moved aside, and work goes on", async () => {
  await using at = await place();
  await writeFile(join(at.folder, "rates.db"), "once upon a time ".repeat(1_000));
  const log = recordingLog();
  await using book = await at.open(log);
  book.note(KEY, ANSWER);
  assert.equal(book.known(KEY, true)?.decodePerSecond, 50);
  assert.match(log.lines.join("\n"), /a new one is begun/);
  assert.ok((await readdir(at.folder)).some((it) => it.includes("broken")));
});

test("a folder that cannot be had costs the memory and nothing else", async () => {
  await using at = await place();
  const inTheWay = join(at.folder, "file");
  await writeFile(inTheWay, "");
  await using book = createRateBook({ folder: inTheWay, log: silentLog, wallMs: () => 1 });
  await book.open();
  book.note(KEY, ANSWER);
  assert.equal(book.known(KEY, true)?.prefillPerSecond, 1_000);
  assert.deepEqual(book.benchmarks(), []);
});
