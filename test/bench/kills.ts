import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Client } from "../../server/cli/client.ts";
import { toFailure } from "../../server/cli/failure.ts";
import { unload } from "../../server/protocol/engines.ts";
import { generate, status } from "../../server/protocol/requests.ts";
import { connect } from "../server/connect.ts";
import { createInstance, type Instance } from "../server/instance.ts";
import { ensureLlamaServer } from "../setup/llamaBuild.ts";
import { descendants, processes, stillRunning } from "../setup/processes.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";

const never = new AbortController().signal;
const quiet = () => undefined;
/** After the moment has come, at random up to this: as long as a load takes, or a prompt. */
const MOST_DELAY_MS = { load: 1_500, prefill: 1_500, decode: 600 };
const ORPHAN_MS = 5_000;
const QUIET_MS = 10_000;
const POLL_MS = 5;
const WRITERS = 2;
const LOG_CHARS = 4_000;
const LONG_PROMPT = `${"The keeper of the light wrote down the weather of each day. ".repeat(6)}Then, one evening,`;

type Moment = keyof typeof MOST_DELAY_MS;
type Victim = "orchestrator" | "engine";

/**
 * `npm run bench:kills -- [--rounds N] [--seed N] [--engine embedded|llama-server]`: in each round an orchestrator under load, or one of
 * the processes below it (engine child, llama-server, its watchdog), is killed with SIGKILL while a model is loaded, a prompt is read or
 * text is written. Every request is answered or fails for that reason; nothing is left behind, nobody keeps a turn, the next is served.
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
  const clients = await Promise.all(Array.from({ length: WRITERS }, () => connect(instance, settings)));
  await using watcher = await connect(instance, settings);
  const tally = emptyTally();
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`\r${round} of ${rounds} rounds`);
    await playRound({ instance, watcher, clients, random, tally }).catch(async (cause: unknown) => {
      const log = await readFile(join(instance.folder, "state", "orchestrator.log"), "utf8");
      throw new Error(`round ${round}, the orchestrator's log ends: ${log.slice(-LOG_CHARS)}`, { cause });
    });
  }
  process.stderr.write("\n");
  for (const it of clients) await it[Symbol.asyncDispose]();
  report(tally, `${rounds} kills under load, ${engine}, seed ${seed}`);
}

interface Tally {
  /** Kills by victim and moment. */
  readonly kills: Map<string, number>;
  answered: number;
  /** Failed because of what was killed, and said so. */
  lost: number;
  readonly strange: Set<string>;
  readonly servedMs: number[];
  readonly goneMs: number[];
  orphans: number;
  stuck: number;
}

function emptyTally(): Tally {
  return { kills: new Map(), answered: 0, lost: 0, strange: new Set(), servedMs: [], goneMs: [], orphans: 0, stuck: 0 };
}

interface Round {
  readonly instance: Instance;
  readonly watcher: Client;
  readonly clients: readonly Client[];
  readonly random: () => number;
  readonly tally: Tally;
}

async function playRound({ instance, watcher, clients, random, tally }: Round): Promise<void> {
  const moment = pick(random, ["load", "prefill", "decode"] as const);
  const victim = pick(random, ["orchestrator", "engine", "engine"] as const);
  if (moment === "load") await watcher.send(unload, { engine: "draft" }, quiet, never);
  else await ask(watcher);
  const reached = Promise.withResolvers<void>();
  const probe = watch(watcher, moment, reached.resolve);
  const writing = clients.map((client, nth) =>
    client.send(
      generate,
      { prompt: `Tale ${nth}: once`, role: nth % 2 ? "audit" : "draft", maxTokens: 8 },
      quiet,
      never,
    ),
  );
  const all = Promise.all([probe, ...writing].map((it) => count(it, tally)));
  await reached.promise;
  await wait(random() * MOST_DELAY_MS[moment]);
  await kill({ instance, watcher, random, tally }, victim, moment);
  const killedMs = performance.now();
  await all;
  await ask(watcher);
  tally.servedMs.push(performance.now() - killedMs);
  if (!(await isQuiet(watcher))) tally.stuck++;
}

/** One request, and when it comes to the moment that is waited for. */
function watch(client: Client, moment: Moment, reached: () => void): Promise<unknown> {
  if (moment === "prefill") setTimeout(reached, 0);
  const kinds = moment === "load" ? ["loading"] : ["draft"];
  const probe = client.send(
    generate,
    { prompt: LONG_PROMPT, maxTokens: 12 },
    (event) => {
      if (kinds.includes(event.kind)) reached();
    },
    never,
  );
  // It may never come to that: another's load, an answer without text.
  probe.then(reached, reached);
  return probe;
}

async function kill(
  { instance, watcher, random, tally }: Omit<Round, "clients">,
  victim: Victim,
  moment: Moment,
): Promise<void> {
  const { pid } = await watcher.send(status, {}, quiet, never);
  const below = await descendants(pid);
  const engines = await enginesAmong(below);
  // None there: it has just died, or is not yet.
  const target = victim === "orchestrator" || engines.length === 0 ? pid : pick(random, engines);
  const name = `${target === pid ? "orchestrator" : "process below it"} during ${moment}`;
  tally.kills.set(name, (tally.kills.get(name) ?? 0) + 1);
  const killedMs = performance.now();
  try {
    process.kill(target, "SIGKILL");
  } catch {
    return; // it was done in between
  }
  const dying = target === pid ? below : [target];
  for (;;) {
    if ((await stillRunning(dying)).length === 0) break;
    if (performance.now() - killedMs > ORPHAN_MS) {
      tally.orphans++;
      return;
    }
    await wait(POLL_MS);
  }
  tally.goneMs.push(performance.now() - killedMs);
  if (target === pid && (await instance.pid()) === pid) await watcher.send(status, {}, quiet, never);
}

/** Engine children, llama-servers and their watchdogs; not the process in which node-llama-cpp tries out a build of llama.cpp, whose end means that the build is no good. */
async function enginesAmong(pids: readonly number[]): Promise<number[]> {
  const all = await processes(AbortSignal.timeout(ORPHAN_MS));
  return all.filter((it) => pids.includes(it.pid) && !it.command.includes("testBindingBinary")).map((it) => it.pid);
}

/** Failures that a user may see of a kill; "nothing listens": it was sent between a server's death and the news of it. */
const LOST =
  /orchestrator stopped|process ended|nothing listens at 127|killed while it loaded|broke off|connection|server (ended|stopped)|llama-server/i;

async function count(request: Promise<unknown>, tally: Tally): Promise<void> {
  try {
    await request;
    tally.answered++;
  } catch (error) {
    const { message } = toFailure(error);
    if (LOST.test(message)) tally.lost++;
    else tally.strange.add(message);
  }
}

const ask = (client: Client) => client.send(generate, { prompt: "One, two,", maxTokens: 4 }, quiet, never);

/** Nobody asks for anything any more: nobody has a turn, and nobody waits for one. */
async function isQuiet(watcher: Client): Promise<boolean> {
  const deadlineMs = performance.now() + QUIET_MS;
  for (;;) {
    const { engines } = await watcher.send(status, {}, quiet, never);
    if (engines.every((it) => !it.isBusy && it.queued === 0)) return true;
    if (performance.now() > deadlineMs) return false;
    await wait(POLL_MS);
  }
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
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

function report(tally: Tally, title: string): void {
  const { answered, lost, strange, orphans, stuck } = tally;
  const kills = [...tally.kills].toSorted().map(([name, times]) => `  ${times} x ${name}`);
  const lines = [
    title,
    ...kills,
    `the next request was answered after: ${spread(tally.servedMs)}`,
    `killed and orphaned processes gone after: ${spread(tally.goneMs)}; orphans: ${orphans}; stuck turns: ${stuck}`,
    `requests answered ${answered}, lost with what was killed ${lost}, failed otherwise ${strange.size}`,
    ...strange,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  if (orphans > 0 || stuck > 0 || strange.size > 0) process.exitCode = 1;
}

function spread(ms: readonly number[]): string {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms`;
}

await main();
