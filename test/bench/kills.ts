import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Client } from "../../server/cli/client.ts";
import { toFailure } from "../../server/cli/failure.ts";
import { generate, status } from "../../server/protocol/requests.ts";
import { connect } from "../server/connect.ts";
import { createInstance, type Instance } from "../server/instance.ts";
import { ensureLlamaServer } from "../setup/llamaBuild.ts";
import { descendants, stillRunning } from "../setup/processes.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";

const never = new AbortController().signal;
const quiet = () => undefined;
/** Until the next kill: long enough for an engine to load, read a prompt and write. */
const MOST_PAUSE_MS = 3_000;
const ANSWERED_EVERY = 10;
const ORPHAN_MS = 5_000;
const POLL_MS = 5;
const WRITERS = 3;
const LOG_CHARS = 4_000;

/**
 * `npm run bench:kills -- [--rounds N] [--seed N] [--engine embedded|llama-server]`: an orchestrator under load is killed with
 * SIGKILL at random moments. Clients go on as if nothing had happened, nothing is left behind, and at the end everything works.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: "string" }, seed: { type: "string" }, engine: { type: "string" } },
  });
  const [rounds, seed] = [Number(values.rounds ?? 100), Number(values.seed ?? Date.now() % 100_000)];
  const engine = values.engine ?? "embedded";
  const model = await ensureTinyLlama(quiet, never);
  const llamaServer = engine === "llama-server" ? await ensureLlamaServer(quiet, never) : "";
  await using instance = await createInstance({ TANDEM_GRACE_MS: "5000" });
  const settings = { llamaServer, draft: { model: `file:${model.path}` }, audit: { model: `file:${model.path}` } };
  const random = generator(seed);
  const tally = { answered: 0, givenUp: 0, strange: new Set<string>() };
  const stop = new AbortController();
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => connect(instance, settings)));
  const load = writers.map((client, index) => keepWriting(client, index, tally, stop.signal));
  await using watcher = await connect(instance, settings);
  const recovered: number[] = [];
  const gone: number[] = [];
  let orphans = 0;
  for (let round = 0; round < rounds; round++) {
    await wait(random() * MOST_PAUSE_MS);
    // Now and then it is left alone until it has answered: nothing is stuck after all these deaths.
    if (round % ANSWERED_EVERY === ANSWERED_EVERY - 1) await ask(watcher);
    const killed = await killOnce(instance, watcher).catch(async (cause: unknown) => {
      const log = await readFile(join(instance.folder, "state", "orchestrator.log"), "utf8");
      throw new Error(`round ${round}, the orchestrator's log ends: ${log.slice(-LOG_CHARS)}`, { cause });
    });
    recovered.push(killed.recoveredMs);
    if (killed.goneMs === null) orphans++;
    else gone.push(killed.goneMs);
  }
  stop.abort();
  await Promise.all(load);
  const last = await ask(watcher);
  for (const it of writers) await it[Symbol.asyncDispose]();
  print([
    `${rounds} kills under load, ${engine}, seed ${seed}`,
    `clients served again after: ${spread(recovered)}`,
    `engine processes gone after: ${spread(gone)}; orphans: ${orphans}`,
    `requests answered ${tally.answered}, given up with what was lost ${tally.givenUp}, failed otherwise ${tally.strange.size}`,
    ...tally.strange,
    `the next request: ${last.completionTokens} tokens`,
  ]);
  if (orphans > 0 || tally.strange.size > 0) process.exitCode = 1;
}

const ask = (client: Client) => client.send(generate, { prompt: "One, two,", maxTokens: 8 }, quiet, never);

/** Ends the orchestrator, and times until another has answered and its engines are no more. */
async function killOnce(instance: Instance, watcher: Client): Promise<{ recoveredMs: number; goneMs: number | null }> {
  const { pid } = await watcher.send(status, {}, quiet, never);
  const below = await descendants(pid);
  const killedMs = performance.now();
  process.kill(pid, "SIGKILL");
  const next = watcher.send(status, {}, quiet, never).then((it) => {
    if (it.pid === pid) throw new Error("a dead orchestrator answered");
    return performance.now() - killedMs;
  });
  next.catch(quiet); // it is awaited below
  let goneMs: number | null = null;
  for (;;) {
    if ((await stillRunning(below)).length === 0) goneMs = performance.now() - killedMs;
    if (goneMs !== null || performance.now() - killedMs > ORPHAN_MS) break;
    await wait(POLL_MS);
  }
  const recoveredMs = await next;
  if ((await instance.pid()) === pid) throw new Error("the endpoint still names the dead one");
  return { recoveredMs, goneMs };
}

interface Tally {
  answered: number;
  givenUp: number;
  readonly strange: Set<string>;
}

async function keepWriting(client: Client, index: number, tally: Tally, signal: AbortSignal): Promise<void> {
  const role = index % 2 === 0 ? "draft" : "audit";
  while (!signal.aborted)
    try {
      await client.send(generate, { prompt: `Tale ${index}: once upon a time`, role, maxTokens: 24 }, quiet, never);
      tally.answered++;
    } catch (error) {
      const { message } = toFailure(error);
      if (/orchestrator stopped/.test(message)) tally.givenUp++;
      else tally.strange.add(message);
    }
}

/** Evenly between 0 and 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function spread(ms: readonly number[]): string {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms`;
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

await main();
