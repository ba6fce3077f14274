import { setTimeout as wait } from "node:timers/promises";
import { pressureAt } from "../core/pressure.ts";
import { thermalAfter } from "../core/thermal.ts";
import { type MachineGpus, readMachineGpus } from "../gpu/machine.ts";
import type { GpuSourceStatus, GpuStatus } from "../protocol/gpu.ts";
import { status } from "../protocol/requests.ts";
import type { Status } from "../protocol/status.ts";
import type { Client } from "./client.ts";
import { gpuLines, shownIn } from "./gpusTable.ts";
import type { Out } from "./printer.ts";
import type { Site } from "./site.ts";

export interface GpusShown {
  readonly out: Out;
  readonly isJson: boolean;
}

/** What is told of the GPUs; `--json` prints it as it is. */
export type Seen = Pick<Status, "gpus" | "gpuSources" | "engines">;

/** The GPUs now: by the orchestrator that runs, or read here. Nothing is started for it. */
export async function showGpus({ out, isJson }: GpusShown, site: Site, signal: AbortSignal): Promise<number> {
  const client = await site.clientIfRunning();
  const seen = client ? await settled(client, signal) : await readHere(signal);
  out.write(`${isJson ? JSON.stringify(pick(seen), null, 2) : gpuLines(seen, out.columns).join("\n")}\n`);
  return 0;
}

const WATCH_MS = 1_000;
/** To the upper left corner, and nothing below what is written then. */
const HOME = "\u001b[H\u001b[J";

/** The same every second until Ctrl-C, by an orchestrator, which is started if none runs: readers that stay cost less than many. */
export async function watchGpus({ out, isJson }: GpusShown, site: Site, signal: AbortSignal): Promise<number> {
  const client = await site.client();
  let seen: Seen = await settled(client, signal);
  while (!signal.aborted) {
    if (isJson) out.write(`${JSON.stringify(pick(seen))}\n`);
    else out.write(picture(seen, out));
    try {
      await wait(WATCH_MS, undefined, { signal });
    } catch {
      break; // Ctrl-C
    }
    seen = await ask(client, signal);
  }
  return 0;
}

/** A terminal shows the last one only; elsewhere they follow each other. */
function picture(seen: Seen, { isTTY, columns, rows }: Out): string {
  if (isTTY !== true || columns === undefined || rows === undefined) return `${gpuLines(seen).join("\n")}\n\n`;
  return `${HOME}${shownIn(gpuLines(seen, columns), { columns, rows }).join("\n")}\n`;
}

const SETTLE_MS = 100;
/** A driver that has not answered within this time is shown as what it is. */
const MOST_TRIES = 50;

/** An orchestrator reads GPUs from the first time that it is asked: the first answer waits for the first reading. */
async function settled(client: Client, signal: AbortSignal): Promise<Seen> {
  for (let tries = 1; ; tries++) {
    const seen = await ask(client, signal);
    const isStarting = seen.gpuSources.some((it) => it.health === "starting");
    if (!isStarting || tries === MOST_TRIES) return seen;
    await wait(SETTLE_MS, undefined, { signal });
  }
}

function ask(client: Client, signal: AbortSignal): Promise<Seen> {
  return client.send(status, {}, () => undefined, signal);
}

function pick({ gpus, gpuSources, engines }: Seen): Seen {
  return { gpus, gpuSources, engines };
}

async function readHere(signal: AbortSignal): Promise<Seen> {
  const { platform, arch, env } = process;
  const machine = await readMachineGpus({ env, platform, arch }, signal);
  const vendors = [...new Set([...machine.gpus.map((it) => it.vendor), ...machine.said.map((it) => it.vendor)])];
  const gpuSources = vendors.map((name): GpuSourceStatus => {
    const report = machine.said.find((it) => it.vendor === name)?.report;
    const health = machine.gpus.some((it) => it.vendor === name && it.fault === null)
      ? "ok"
      : (report?.kind ?? "broken");
    return { name, health, reason: report?.reason ?? null };
  });
  return { gpus: machine.gpus.map(statusOf), gpuSources, engines: [] };
}

/** One reading, without what came before it. */
function statusOf(gpu: MachineGpus["gpus"][number]): GpuStatus {
  const { computeCapability: _, driver: __, fault, brakes, processes, ...reading } = gpu;
  const { usedBytes, totalBytes, celsius } = reading;
  const isBraked = brakes?.includes("heat") ?? false;
  const thermal = celsius === null ? null : thermalAfter(null, { celsius, isBraked, atMs: 0 });
  return {
    ...reading,
    health: fault === null ? "ok" : "broken",
    trouble: fault === null ? null : { reason: fault, nextStep: "Run `tandem doctor`" },
    ageMs: 0,
    // It is the orchestrator's to keep; nobody asked one.
    reserveBytes: null,
    brakes: brakes && [...brakes],
    pressure: usedBytes === null || totalBytes === null ? null : pressureAt({ usedBytes, totalBytes }),
    thermal: thermal && { level: thermal.level, why: thermal.why },
    processes: processes && [...processes],
  };
}
