import assert from "node:assert/strict";
import { test } from "node:test";
import type { AskReach } from "../../server/ports.ts";
import { status } from "../../server/protocol/requests.ts";
import { startLocal } from "./localModels.ts";

const CARD = {
  id: "auto",
  name: "RTX 3090",
  vramBytes: 24 * 1024 ** 3,
  uuid: "GPU-0",
  vendor: "nvidia",
  index: 0,
} as const;
const MACHINE = { ramBytes: 16e9, cores: 8 };
const all: AskReach = async ({ gpus }) => ({ gpus, whyNot: null });
const none: AskReach = async () => ({ gpus: [], whyNot: { message: "no build can", nextStep: "fetch one" } });
const fails: AskReach = async () => {
  throw new Error("the driver says nothing");
};
const nobody: AskReach = () => assert.fail("an engine was asked");

test("models are chosen for the GPUs that an engine can use", async () => {
  const [withGpu, without] = [await chosen({ gpus: [CARD], reach: all }), await chosen({ gpus: [], reach: nobody })];
  assert.notDeepEqual(withGpu, without);
  assert.deepEqual(await chosen({ gpus: [CARD], reach: none }), without);
  assert.deepEqual(await chosen({ gpus: [CARD], reach: fails }), withGpu, "what nobody can tell is left to the load");
});

test("where no model is to be chosen, no engine is asked", async () => {
  const settings = { draft: { device: "cpu" }, audit: { model: "qwen2.5-coder-0.5b" } };
  assert.equal((await chosen({ gpus: [CARD], reach: nobody }, settings)).length, 2);
});

interface Given {
  readonly gpus: readonly (typeof CARD)[];
  readonly reach: AskReach;
}

async function chosen({ gpus, reach }: Given, settings = {}): Promise<string[]> {
  await using orchestrator = await startLocal({}, { hardware: { ...MACHINE, gpus }, reach });
  const client = await orchestrator.connect(settings);
  const { engines } = await client.send(status, {});
  return engines.map((it) => it.model.id);
}
