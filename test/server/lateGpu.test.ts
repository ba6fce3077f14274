import assert from "node:assert/strict";
import { test } from "node:test";
import { models } from "../../server/protocol/requests.ts";
import { card } from "../gpu/smi.ts";
import { machine, statusWhen } from "./gpuMachine.ts";

const never = new AbortController().signal;
/** The tool is asked meanwhile, which takes a moment. */
const MOST_ASKED = 2_000;
const FAILS = { code: 9, text: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n" };

test("cards that could not be read at the start are planned for when they can be", {
  skip: process.platform !== "linux",
}, async () => {
  await using site = await machine({ failure: FAILS }, { TANDEM_GPU_PERIOD_MS: "50" });
  const chosen = async () => {
    const listed = await site.client.send(models, {}, () => undefined, never);
    return listed.models.filter((it) => it.isChosen);
  };
  const small = await chosen();
  site.smi.become({ cards: [card(0), card(1)] });
  await statusWhen(site.client, (now) => now.gpus.length === 2 && now.gpus.every((it) => it.health === "ok"));
  let large = await chosen();
  for (let asked = 1; sizeOf(large) === sizeOf(small) && asked < MOST_ASKED; asked++) large = await chosen();
  assert.ok(sizeOf(large) > 4 * sizeOf(small), `${sizeOf(small)} → ${sizeOf(large)}`);
});

function sizeOf(chosen: readonly { readonly bytes: number }[]): number {
  return chosen.reduce((sum, it) => sum + it.bytes, 0);
}
