import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { GenerateParams } from "../../server/protocol/generate.ts";
import { rank } from "../../server/protocol/outlook.ts";
import { fakeEngines } from "../fakes/engines.ts";
import { gguf } from "../fakes/gguf.ts";
import { silentLog } from "../fakes/log.ts";
import { type TestWorldOptions, testWorld } from "./testWorld.ts";

const CLIENT = { kind: "cli", pid: 1, version: "0.0.0-test" } as const;
const TEN_WORDS = "one two three four five six seven eight nine ten";

async function place() {
  const folder = await mkdtemp(join(tmpdir(), "tandem-rated-"));
  const path = join(folder, "tiny-1b.gguf");
  await writeFile(path, gguf({ "tokenizer.chat_template": { kind: "string", value: "{{ messages }}" } }));
  const { open } = fakeEngines({ reply: () => TEN_WORDS });
  const begin = (options: TestWorldOptions = {}) => {
    const world = testWorld(folder, silentLog, { openEngine: open, ...options });
    const session = world.connect(CLIENT, () => undefined);
    session.configure({ draft: { model: `file:${path}`, device: "cuda:0" }, auditWhen: "never" });
    const call = { emit: () => undefined, signal: new AbortController().signal };
    return {
      generate: () => session.handlers.generate(GenerateParams.parse({ prompt: "count" }), call),
      benchmarks: () => session.handlers.benchmarks({}, call),
      async first() {
        const { candidates } = await session.handlers.rank(rank.params.parse({}), call);
        return candidates.find((it) => it.engine === "draft") ?? assert.fail();
      },
      [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
    };
  };
  return { begin, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

test("ordinary work is what the next orchestrator routes by", async () => {
  await using at = await place();
  {
    await using world = at.begin();
    assert.doesNotMatch((await world.first()).why, /tokens\/s/);
    await world.generate();
    assert.match((await world.first()).why, /500 tokens\/s measured/);
  }
  await using world = at.begin();
  // Its file is open once it has answered.
  assert.deepEqual((await world.benchmarks()).benchmarks, []);
  const { why, cost } = await world.first();
  assert.match(why, /500 tokens\/s in earlier work/);
  assert.equal(cost.decodeMs, 512);
});

test("a card that is hot costs more, and the card's number says which it is", async () => {
  await using at = await place();
  const gpu = (index: number, thermal: "hot" | "normal") => ({
    ...{ uuid: `GPU-${index}`, vendor: "nvidia" as const, index, thermal },
  });
  await using hot = at.begin({ ratedGpus: () => [gpu(0, "hot"), gpu(1, "normal")] });
  const { cost, why } = await hot.first();
  assert.ok(cost.thermalMs !== undefined && cost.thermalMs > 0);
  assert.match(why, /its device is hot/);
  await using cool = at.begin({ ratedGpus: () => [gpu(0, "normal"), gpu(1, "hot")] });
  assert.equal((await cool.first()).cost.thermalMs, undefined);
});
