import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isAlive } from "../../server/platform/processes.ts";
import { generate } from "../../server/protocol/requests.ts";
import type { Script } from "../fakes/nvidiaSmi.ts";
import { card } from "../gpu/smi.ts";
import { machine, statusWhen } from "./gpuMachine.ts";

const never = new AbortController().signal;
const POSIX = { skip: process.platform !== "linux" };
const WELL = { cards: [card(0), card(1)] };
const LOST = "Unable to determine the device handle for GPU1: 0000:02:00.0: Unknown Error";

/** One orchestrator goes through all of it, as on a machine with a bad day. */
let site: Awaited<ReturnType<typeof machine>>;
if (!POSIX.skip) {
  before(async () => {
    site = await machine(WELL, { TANDEM_GPU_PERIOD_MS: "50" });
  });
  after(() => site[Symbol.asyncDispose]());
}

interface Fault {
  readonly name: string;
  /** What the tool does from now on; a function: what happens to its process. */
  readonly befalls: Omit<Script, "startsPath"> | ((pid: number) => void);
  /** The worth of both cards then, and what is said of the second. */
  readonly cards: readonly [string, string];
  readonly says: RegExp;
  readonly source: string;
}

const faults: readonly Fault[] = [
  {
    name: "it hangs: what was read grows old",
    befalls: (pid) => process.kill(pid, "SIGSTOP"),
    ...{ cards: ["stale", "stale"], says: /nothing has been heard of it/, source: "stale" },
  },
  {
    name: "it hangs for long",
    befalls: (pid) => process.kill(pid, "SIGSTOP"),
    ...{ cards: ["broken", "broken"], says: /not answered for 2 s/, source: "broken" },
  },
  {
    name: "it says no more, but runs",
    befalls: { ...WELL, afterLists: 0, ending: "hang" },
    ...{ cards: ["broken", "broken"], says: /not answered for 2 s/, source: "broken" },
  },
  {
    name: "it exits",
    befalls: { ...WELL, afterLists: 0 },
    ...{ cards: ["broken", "broken"], says: /ended with 0 and said nothing/, source: "broken" },
  },
  {
    name: "it stops in the middle of a line",
    befalls: { ...WELL, afterLists: 0, ending: "partial" },
    ...{ cards: ["broken", "broken"], says: /said "0, GPU-aaaa, NVIDIA GeForce"/, source: "broken" },
  },
  {
    name: "it prints garbage",
    befalls: { ...WELL, afterLists: 0, ending: "garbage" },
    ...{ cards: ["broken", "broken"], says: /lorem.*is no reading/, source: "broken" },
  },
  {
    name: "it floods",
    befalls: { ...WELL, afterLists: 0, ending: "flood" },
    ...{ cards: ["broken", "broken"], says: /far more than it was asked for/, source: "broken" },
  },
  {
    name: "one card has negative memory",
    befalls: { cards: [card(0), card(1, { "memory.used": "-17" })] },
    ...{ cards: ["ok", "broken"], says: /-17 used.*cannot be/, source: "ok" },
  },
  {
    name: "one card is lost",
    befalls: { cards: [card(0), card(1, { "memory.used": "[GPU is lost]" })] },
    ...{ cards: ["ok", "broken"], says: /GPU is lost/, source: "ok" },
  },
  {
    name: "one card falls off the bus",
    befalls: { cards: [card(0)], complaints: [LOST] },
    ...{ cards: ["ok", "broken"], says: /device handle for GPU1/, source: "ok" },
  },
  {
    name: "one card is not listed any more",
    befalls: { cards: [card(0)] },
    ...{ cards: ["ok", "stale"], says: /nothing has been heard of it/, source: "ok" },
  },
  {
    name: "there is no card any more",
    befalls: { failure: { code: 6, text: "No devices were found\n" } },
    ...{ cards: ["broken", "broken"], says: /it is gone: the NVIDIA driver finds no device/, source: "broken" },
  },
  {
    name: "the driver was updated",
    befalls: { failure: { code: 18, text: "Failed to initialize NVML: Driver/library version mismatch\n" } },
    ...{ cards: ["broken", "broken"], says: /driver was updated/, source: "broken" },
  },
  {
    name: "the user may not ask any more",
    befalls: { failure: { code: 4, text: "Failed to initialize NVML: Insufficient Permissions\n" } },
    ...{ cards: ["broken", "broken"], says: /may not use the GPUs/, source: "broken" },
  },
];

for (const fault of faults)
  test(`telemetry: ${fault.name}; requests are served, and it is read again when it is well`, POSIX, async () => {
    site.smi.become(WELL);
    await statusWhen(site.client, (now) => isWell(now.gpus));
    if (typeof fault.befalls === "function") fault.befalls(running());
    else site.smi.become(fault.befalls);
    const now = await statusWhen(site.client, ({ gpus }) => {
      const seen = gpus.map((it) => it.health);
      return seen.join() === fault.cards.join() && fault.says.test(gpus[1]?.trouble?.reason ?? "");
    });
    assert.equal(now.gpuSources.find((it) => it.name === "nvidia")?.health, fault.source);
    assert.ok(now.gpus[1]?.trouble?.nextStep);
    const answer = await site.client.send(generate, { prompt: "hello" }, () => undefined, never);
    assert.equal(answer.text, "ok");
    site.smi.become(WELL);
    await statusWhen(site.client, (then) => isWell(then.gpus));
  });

test("telemetry: its reader is killed, and another one reads on", POSIX, async () => {
  site.smi.become(WELL);
  await statusWhen(site.client, (now) => isWell(now.gpus));
  const killed = running();
  process.kill(killed, "SIGKILL");
  await statusWhen(site.client, (now) => !isAlive(killed) && reader() !== null && isWell(now.gpus));
});

function isWell(cards: readonly { readonly health: string }[]): boolean {
  return cards.length === 2 && cards.every((it) => it.health === "ok");
}

function running(): number {
  const pid = reader();
  assert.ok(pid !== null, "nobody reads the cards");
  return pid;
}

/** The process that reads the cards. */
function reader(): number | null {
  const asked = site.smi.starts().filter((it) => it.asked.startsWith("--query-gpu"));
  return asked.findLast((it) => isAlive(it.pid))?.pid ?? null;
}
