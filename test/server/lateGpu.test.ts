import assert from "node:assert/strict";
import { test } from "node:test";
import { generate, models, status } from "../../server/protocol/requests.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { card } from "../gpu/smi.ts";
import { connect } from "./connect.ts";
import { machine, statusWhen } from "./gpuMachine.ts";

const never = new AbortController().signal;
/** The tool is asked meanwhile, which takes a moment. */
const MOST_ASKED = 2_000;
const FAILS = { code: 9, text: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n" };

test("cards that could not be read at the start are planned for when they can be, and engines are placed on them", {
  skip: process.platform !== "linux",
}, async () => {
  await using site = await machine({ failure: FAILS }, { TANDEM_GPU_PERIOD_MS: "50" });
  await using fake = await startFakeLlama({ reply: () => "ok" });
  const settings = { draft: { endpoint: fake.url }, audit: { model: "qwen2.5-coder-7b-instruct-q4km" } };
  await using client = await connect(site.instance, settings);
  /** Where the auditor is placed for the next task. */
  const auditor = async () => {
    const answer = await client.send(generate, { prompt: "hello" }, () => undefined, never);
    assert.equal(answer.text, "ok");
    const { engines } = await client.send(status, {}, () => undefined, never);
    return engines.find((it) => it.roles.includes("audit"))?.device;
  };
  const chosen = async () => {
    const listed = await site.client.send(models, {}, () => undefined, never);
    return listed.models.reduce((sum, it) => sum + (it.isChosen ? it.bytes : 0), 0);
  };
  const small = await chosen();
  assert.equal(await auditor(), "cpu");
  site.smi.become({ cards: [card(0), card(1)] });
  await statusWhen(site.client, (now) => now.gpus.length === 2 && now.gpus.every((it) => it.health === "ok"));
  let large = await chosen();
  for (let asked = 1; large === small && asked < MOST_ASKED; asked++) large = await chosen();
  assert.ok(large > 4 * small, `${small} → ${large}`);
  assert.match((await auditor()) ?? "", /^gpu:[01]$/);
});
