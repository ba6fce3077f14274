import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Engine, OpenEngine, Piece } from "../../server/ports.ts";
import { type BenchEvent, type Benchmark, bench, benchmarks } from "../../server/protocol/benchmark.ts";
import type { ParamsOf } from "../../server/protocol/define.ts";
import { pin } from "../../server/protocol/engines.ts";
import { run } from "../../server/protocol/requests.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import { gguf } from "../fakes/gguf.ts";
import { failureOf, startOrchestrator } from "./orchestrator.ts";

/** What real time adds to the clock that the engine moves on. */
const CLOCK_MS = 500;

/** Reads 1,000 words a second and writes 50, on a clock of its own; loads in 2 s, and in 1 s again. */
function machine() {
  let nowMs = 0;
  let opened = 0;
  const asked: string[] = [];
  const engine = (spec: Parameters<OpenEngine>[0]): Engine => {
    if (spec.kind !== "embedded") throw new Error("only embedded engines here");
    return {
      ...{ model: { ...spec.model, contextTokens: 1_024 }, device: "cpu", slots: 2, pid: process.pid, serves: [] },
      ...{ relay: null, embed: null, held: null, trim: null, placement: null, gone: new Promise<string>(() => {}) },
      async *generate({ prompt, maxTokens }): AsyncGenerator<Piece, void, void> {
        const text = prompt.kind === "text" ? prompt.text : "";
        asked.push(text);
        const promptTokens = text.split(" ").length;
        nowMs += promptTokens;
        yield { kind: "text", text: "word" };
        nowMs += maxTokens * 20;
        const rates = { prefillMs: promptTokens, decodeMs: maxTokens * 20, completionTokens: maxTokens };
        yield { kind: "done", finish: "length", promptTokens, cachedTokens: 0, ...rates };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  };
  const openEngine: OpenEngine = async (spec) => {
    nowMs += opened++ === 0 ? 2_000 : 1_000;
    return engine(spec);
  };
  return { clock: { nowMs: () => nowMs + performance.now() }, openEngine, asked, opened: () => opened };
}

async function place() {
  const { clock, openEngine, ...rest } = machine();
  const orchestrator = await startOrchestrator({ clock, openEngine });
  const path = join(orchestrator.folder, "tiny-1b.gguf");
  await writeFile(path, gguf({ "tokenizer.chat_template": { kind: "string", value: "{{ messages }}" } }));
  const draft = { model: `file:${path}` };
  const client = await orchestrator.connect({ draft, auditWhen: "never" });
  return { ...rest, orchestrator, client, draft, [Symbol.asyncDispose]: () => orchestrator[Symbol.asyncDispose]() };
}

const nthOf = ({ prompts }: Benchmark, nth: number): Benchmark["prompts"][number] => prompts[nth] ?? assert.fail();

type Asked = ParamsOf<typeof bench>;
const SHORT: Asked = { promptTokens: [100, 400, 5_000], completionTokens: 40, repetitions: 3 };

test("load times, the first token, both rates and requests at once, each as often as asked", async () => {
  await using at = await place();
  const events: BenchEvent[] = [];
  const { benchmarks: found } = await at.client.send(bench, SHORT, { onEvent: (it) => events.push(it) });
  const [made] = found;
  assert.ok(made);
  const { firstMs, againMs, why } = made.load;
  assert.ok(
    Number(firstMs) >= 2_000 && Number(againMs) >= 1_000 && Number(againMs) < Number(firstMs),
    `${firstMs} ${againMs}`,
  );
  assert.equal(why, null);
  assert.equal(at.opened(), 2);
  assert.deepEqual([made.backend, made.device, made.slots], ["embedded", "cpu", 2]);
  assert.deepEqual(
    made.prompts.map((it) => Math.round(it.prefillPerSecond.median)),
    [1_000, 1_000],
  );
  for (const [nth, length] of [100, 400].entries()) {
    const { promptTokens, ttftMs } = nthOf(made, nth);
    assert.ok(Math.abs(promptTokens - length) < 0.1 * length, `${promptTokens}`);
    assert.ok(Math.abs(ttftMs.median - promptTokens) < CLOCK_MS);
    assert.equal(ttftMs.samples, 3);
  }
  assert.deepEqual([made.decode?.completionTokens, made.decode?.perSecond.median], [40, 50]);
  assert.deepEqual(
    made.batches.map((it) => it.requests),
    [1, 2],
  );
  assert.match(made.notices.join(), /do not fit its context of 1024 tokens were left out/);
  const told = events.flatMap((it) => (it.kind === "measuring" ? [`${it.nth}/${it.of}`] : []));
  assert.deepEqual(told, ["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"]);
  assert.equal(events.at(-1)?.kind, "benchmarked");
});

test("no two prompts begin alike, or a cache would answer", async () => {
  await using at = await place();
  await at.client.send(bench, SHORT);
  await at.client.send(bench, SHORT);
  const beginnings = at.asked.map((it) => it.slice(0, 8));
  assert.equal(new Set(beginnings).size, beginnings.length);
});

test("what is found is told again, and routing goes by it", async () => {
  await using at = await place();
  const made = await at.client.send(bench, SHORT);
  assert.deepEqual((await at.client.send(benchmarks, {})).benchmarks, made.benchmarks);
  const other = await at.orchestrator.connect({ draft: at.draft, auditWhen: "never" });
  const events: RunEvent[] = [];
  await other.send(run, { action: "ask", instruction: "what is a monad?" }, { onEvent: (it) => events.push(it) });
  const routed = events.find((it) => it.kind === "routed") ?? assert.fail();
  assert.match(routed.draft.why, /50 tokens\/s by a benchmark/);
  assert.equal(routed.draft.cost.loadMs, 0);
});

const untouched: readonly {
  readonly name: string;
  readonly why: RegExp;
  readonly asked?: Asked;
  readonly prepare?: "pin" | "share";
}[] = [
  { name: "that is to be left", asked: { ...SHORT, load: "leave" }, why: /left as it is/ },
  { name: "that is pinned", prepare: "pin", why: /pinned/ },
  { name: "that another client has", prepare: "share", why: /other clients/ },
];
for (const { name, why, asked = SHORT, prepare } of untouched)
  test(`a model ${name} is not unloaded, and that is said`, async () => {
    await using at = await place();
    const other = await at.orchestrator.connect({ draft: at.draft, auditWhen: "never" });
    if (prepare === "pin") await at.client.send(pin, { engine: "draft", isPinned: true });
    if (prepare === "share") await other.send(run, { action: "ask", instruction: "what is a monad?" });
    const { benchmarks: found } = await at.client.send(bench, asked);
    assert.equal(found[0]?.load.againMs, null);
    assert.match(found[0]?.load.why ?? "", why);
    assert.equal(at.opened(), 1);
  });

const wrong: readonly { readonly name: string; readonly asked: Asked; readonly code: string; readonly says: RegExp }[] =
  [
    { name: "a model there is not", asked: { models: ["gpt-9"] }, code: "bad-input", says: /no model "gpt-9"/ },
    { name: "a prompt of no length", asked: { promptTokens: [0] }, code: "bad-request", says: /promptTokens/ },
    { name: "a field there is not", asked: { prompts: [1] } as Asked, code: "bad-request", says: /prompts/ },
  ];
for (const { name, asked, code, says } of wrong)
  test(`refused: ${name}`, async () => {
    await using at = await place();
    const failure = await failureOf(at.client.send(bench, asked));
    assert.equal(failure.code, code);
    assert.match(failure.message, says);
    assert.equal(at.opened(), 0);
  });
