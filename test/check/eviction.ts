import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../../server/cli/client.ts";
import { generate, status } from "../../server/protocol/requests.ts";
import type { Status } from "../../server/protocol/status.ts";
import { runCli } from "../server/cli.ts";
import { connect } from "../server/connect.ts";
import { createInstance } from "../server/instance.ts";
import { estimateFlags, type Machine, plainCards } from "./machine.ts";
import { createComparison, mebibytes, type Step } from "./report.ts";

const never = new AbortController().signal;
const NAME = "another process takes nearly all of the card: the idle model leaves, and comes back afterwards";
/** Of the card; above 90 % its pressure is critical. */
const TAKEN_SHARE = 0.94;
const FILL_MS = 120_000;
const LEAVE_MS = 60_000;
/** Small, so that what the other process computes in is nothing beside its keys and values. */
const BATCH = "32";

/** The other process is a second llama-server whose context is as long as the card is large: a real allocation, without any compiler. */
export async function checkEviction(machine: Machine): Promise<Step> {
  const { llamaServer, modelPath, env } = machine;
  if (llamaServer === null) {
    const lines = [
      "without a llama-server there is no other process that takes GPU memory: name one with --llama-server",
    ];
    return { name: NAME, outcome: "skipped", lines, figures: {} };
  }
  const told = createComparison();
  await using instance = await createInstance(env);
  const settings = { llamaServer, draft: { model: `file:${modelPath}` }, auditWhen: "never" } as const;
  await using client = await connect(instance, settings);
  const ask = async () => {
    const answer = await client.send(generate, { prompt: "Once upon a time", maxTokens: 8 }, () => undefined, never);
    return answer.completionTokens > 0;
  };
  told.check(await ask(), "a request is answered");
  const before = await client.send(status, {}, () => undefined, never);
  const card = before.gpus.find((it) => it.vendor === "nvidia");
  const isThere = before.engines.some((it) => it.state === "ready" && it.memory.some((of) => of.device === card?.uuid));
  told.check(isThere, "its model is on the card");
  if (!card) return { name: NAME, outcome: "failed", lines: told.lines, figures: { before } };
  const tokens = await tokensToFill(machine, card.uuid);
  const hog = await startHog({ llamaServer, modelPath, uuid: card.uuid, tokens, env });
  try {
    const full = await until(client, FILL_MS, (now) => pressureOf(now, card.uuid) === "critical");
    const { usedBytes, totalBytes } = (full ?? before).gpus.find((it) => it.uuid === card.uuid) ?? card;
    told.check(full !== null, `the card is full: ${mebibytes(usedBytes ?? 0)} of ${mebibytes(totalBytes ?? 0)}`);
    const startedMs = performance.now();
    const left = await until(client, LEAVE_MS, (now) => !now.engines.some((it) => it.state === "ready"));
    told.check(left !== null, `the idle model left within ${Math.round(performance.now() - startedMs)} ms`);
    told.check(hog.exitCode === null, "the other process still runs: nobody was out of memory");
  } finally {
    hog.kill("SIGKILL");
  }
  await until(client, LEAVE_MS, (now) => pressureOf(now, card.uuid) !== "critical");
  told.check(await ask(), "the next request is answered");
  return { name: NAME, outcome: told.outcome(), lines: told.lines, figures: { tokens, card: card.uuid } };
}

function pressureOf({ gpus }: Status, uuid: string): string | null {
  return gpus.find((it) => it.uuid === uuid)?.pressure ?? null;
}

/** Null: it did not come to that in time. */
async function until(client: Client, limitMs: number, isIt: (now: Status) => boolean): Promise<Status | null> {
  const endMs = performance.now() + limitMs;
  while (performance.now() < endMs) {
    const now = await client.send(status, {}, () => undefined, never);
    if (isIt(now)) return now;
    await sleep(200);
  }
  return null;
}

/** How long a context must be to take what is missing to `TAKEN_SHARE` of the card. */
async function tokensToFill(machine: Machine, uuid: string): Promise<number> {
  const { tool, modelPath, folder, env } = machine;
  const flags = estimateFlags(machine, 4_096, "f16");
  const { stdout } = await runCli(["estimate", modelPath, ...flags], { cwd: folder, env: { ...env } });
  const gpu = JSON.parse(stdout).devices.find((it: { device: string }) => it.device !== "cpu");
  const perToken = (gpu.terms.keys + gpu.terms.values) / 4_096;
  const fixed = gpu.terms.weights + gpu.terms.output + gpu.terms.driver;
  const card = (await plainCards(tool)).find((it) => it.uuid === uuid);
  if (!card) throw new Error(`nvidia-smi has no ${uuid}`);
  const missing = (card.totalMebibytes * TAKEN_SHARE - card.usedMebibytes) * 1024 ** 2 - fixed;
  return Math.max(256, Math.floor(missing / perToken / 256) * 256);
}

interface Hog {
  readonly llamaServer: string;
  readonly modelPath: string;
  readonly uuid: string;
  readonly tokens: number;
  readonly env: Readonly<Record<string, string>>;
}

async function startHog({ llamaServer, modelPath, uuid, tokens, env }: Hog): Promise<ChildProcess> {
  const args = [
    ...["--model", modelPath, "--ctx-size", String(tokens), "--parallel", "1", "--n-gpu-layers", "999"],
    ...["--flash-attn", "on", "--batch-size", BATCH, "--ubatch-size", BATCH, "--host", "127.0.0.1", "--port", "0"],
  ];
  const pinned = { CUDA_DEVICE_ORDER: "PCI_BUS_ID", CUDA_VISIBLE_DEVICES: uuid };
  return spawn(llamaServer, args, { env: { ...process.env, ...env, ...pinned }, stdio: "ignore" });
}
