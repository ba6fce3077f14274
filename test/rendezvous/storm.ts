import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { z } from "zod";
import { isAlive } from "../../server/platform/processes.ts";

const ARRIVAL = join(import.meta.dirname, "arrival.ts");
/** From the last one's readiness to the moment when all arrive: long enough for the word to reach every one of them. */
const COUNTDOWN_MS = 500;

const Arrival = z.object({
  /** The process at the other end, by its own word. */
  servedBy: z.number(),
  startedByUs: z.boolean(),
  /** The orchestrators this client started. */
  starts: z.array(z.number()),
  atMs: z.number(),
});
export type Arrival = z.output<typeof Arrival>;

export interface Storm {
  readonly arrivals: readonly Arrival[];
  /** Orchestrators that were started, and those that still run when all the others have gone. */
  readonly candidates: readonly number[];
  readonly survivors: readonly number[];
  /** From the common start to the last client's first word from the orchestrator. */
  readonly ms: number;
}

/** Lets `count` processes arrive at the same instant where no orchestrator runs, and tells what became of them. */
export async function storm(folder: string, count: number, signal: AbortSignal): Promise<Storm> {
  const clients = Array.from({ length: count }, () => fork(ARRIVAL, [folder], { stdio: "inherit" }));
  try {
    await Promise.all(clients.map((it) => said(it, signal)));
    const arriving = clients.map(async (it) => Arrival.parse(await said(it, signal)));
    const startMs = Date.now() + COUNTDOWN_MS;
    for (const it of clients) it.send(startMs);
    const arrivals = await Promise.all(arriving);
    const candidates = arrivals.flatMap((it) => it.starts);
    const ms = Math.max(...arrivals.map((it) => it.atMs)) - startMs;
    return { arrivals, candidates, survivors: await survivorsOf(candidates, signal), ms };
  } finally {
    for (const it of clients) it.kill("SIGKILL");
  }
}

/** Candidates that have lost leave by themselves, but not at the same instant. */
async function survivorsOf(candidates: readonly number[], signal: AbortSignal): Promise<number[]> {
  for (;;) {
    const alive = candidates.filter(isAlive);
    if (alive.length <= 1 || signal.aborted) return alive;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function said(child: ChildProcess, signal: AbortSignal): Promise<unknown> {
  const exit = once(child, "exit", { signal }).then(([code]) =>
    Promise.reject(new Error(`a client ended with ${code}`)),
  );
  exit.catch(() => undefined);
  const [message] = await Promise.race([once(child, "message", { signal }), exit]);
  return message;
}
