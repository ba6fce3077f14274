import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { engineEntry, shimEntry } from "../../server/assets.ts";
import { createOpenEngine } from "../../server/backends/open.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import type { EngineSpec } from "../../server/engineSpec.ts";
import type { Engine, Log } from "../../server/ports.ts";
import { silentLog } from "../fakes/log.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";

type Spec = Extract<EngineSpec, { kind: "embedded" }>;

/** Opens the embedded engine with the small model on one thread; a test changes what it is about. */
export async function openTiny(
  changes: Partial<Spec> = {},
  log: Log = silentLog,
  signal: AbortSignal = new AbortController().signal,
): Promise<Engine> {
  const { model, path } = await ensureTinyLlama((line) => void process.stderr.write(`${line}\n`), signal);
  const spec: Spec = {
    kind: "embedded",
    model,
    path,
    device: "cpu",
    threads: 1,
    contextTokens: 1_024,
    cards: [],
    options: DEFAULT_OPTIONS,
    use: "write",
    ...changes,
  };
  return createOpenEngine({ log, childPath: engineEntry(), shimPath: shimEntry(), register: null })(spec, signal);
}

/** Resolves when there is no such process any more. A process whose parent has not asked how it ended counts as gone. */
export async function processGone(pid: number, signal: AbortSignal): Promise<void> {
  while (await isRunning(pid)) {
    signal.throwIfAborted();
    // Nothing tells of the end of a process that is not one's own child.
    await wait(10);
  }
}

async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // "pid (name) Z …" on Linux: a zombie.
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  return !/\) Z /.test(stat);
}
