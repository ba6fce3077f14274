import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "../../server/platform/processes.ts";
import { attach } from "../../server/rendezvous/attach.ts";
import { HELD_EXIT_CODE } from "../../server/rendezvous/launch.ts";
import { client, type Place, placeIn } from "../rendezvous/place.ts";
import { storm } from "../rendezvous/storm.ts";

const COUNT = 50;
const ROUNDS = 5;
const signal = AbortSignal.timeout(10 * 60_000);

/**
 * What it costs when many start the orchestrator at the same instant, as multiples of one start by one client, which tell of
 * the code and not of the machine. The orchestrator is the tests': it serves nothing, so that finding it is all there is.
 */
async function main(): Promise<void> {
  const one = median(await rounds(startOnce));
  say(`\nMedians of ${ROUNDS} rounds, Node ${process.version}, ${availableParallelism()} cores\n`);
  say(`one client starts it and hears from it: ${one.toFixed(0)} ms\n`);
  say(`${COUNT} clients at once`.padEnd(28) + row("candidates", "survivors", "connected", "last connected"));
  for (let round = 1; round <= ROUNDS; round++) {
    const { arrivals, candidates, survivors, ms } = await inPlace((here) => storm(here.folder, COUNT, signal));
    const connected = arrivals.filter((it) => it.servedBy === survivors[0]).length;
    end(survivors);
    say(
      `round ${round}`.padEnd(28) +
        row(candidates.length, survivors.length, connected, `${(ms / one).toFixed(1)} x one`),
    );
  }
  say(`\n${COUNT} orchestrators at once`.padEnd(29) + row("candidates", "survivors", "exit code 3"));
  for (let round = 1; round <= ROUNDS; round++) {
    const { survivors, losers } = await inPlace(startMany);
    end(survivors);
    say(`round ${round}`.padEnd(28) + row(COUNT, survivors.length, losers));
  }
}

async function startOnce(here: Place): Promise<number> {
  const startedMs = performance.now();
  const { socket, pid } = await attach({ client, names: here.names, start: () => here.start() }, signal);
  await once(socket, "data");
  const ms = performance.now() - startedMs;
  socket.destroy();
  end([pid]);
  return ms;
}

/** All of them candidates, as if nobody waited for anybody: the claim alone decides. */
async function startMany(here: Place): Promise<{ survivors: number[]; losers: number }> {
  const started = await Promise.all(Array.from({ length: COUNT }, () => here.start()));
  const { socket, pid } = await attach({ client, names: here.names, start: () => here.start() }, signal);
  const exits = await Promise.all(started.filter((it) => it.pid !== pid).map((it) => it.exited));
  const survivors = started.map((it) => it.pid).filter(isAlive);
  socket.destroy();
  return { survivors, losers: exits.filter((it) => it.code === HELD_EXIT_CODE).length };
}

async function rounds(measure: (here: Place) => Promise<number>): Promise<number[]> {
  const all: number[] = [];
  for (let round = 0; round < ROUNDS; round++) all.push(await inPlace(measure));
  return all;
}

async function inPlace<Result>(work: (here: Place) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-bench-"));
  try {
    return await work(placeIn(folder));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 20 });
  }
}

function end(pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, "SIGKILL");
}

function row(...cells: readonly (string | number)[]): string {
  return cells.map((it) => String(it).padStart(16)).join("");
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
