import { shimEntry } from "../../server/assets.ts";
import { openLlamaServer } from "../../server/backends/llamaServer.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import type { EngineSpec } from "../../server/engineSpec.ts";
import type { Register } from "../../server/lifelines/register.ts";
import type { Engine, Log } from "../../server/ports.ts";
import { silentLog } from "../fakes/log.ts";
import { ensureLlamaServer } from "../setup/llamaBuild.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";

type Spec = Extract<EngineSpec, { kind: "llama-server" }>;

interface Given {
  readonly log?: Log;
  readonly register?: Register;
  readonly signal?: AbortSignal;
}

/** Starts a real llama-server with the small model on one thread; a test changes what it is about. */
export async function openLlama(changes: Partial<Spec> = {}, given: Given = {}): Promise<Engine> {
  const { log = silentLog, register = null, signal = new AbortController().signal } = given;
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const { model, path } = await ensureTinyLlama(say, signal);
  const executable = await ensureLlamaServer(say, signal);
  const basic = { kind: "llama-server", executable, model, path, device: "cpu", threads: 1 } as const;
  const spec: Spec = { ...basic, cards: [], options: DEFAULT_OPTIONS, contextTokens: 1_024, use: "write", ...changes };
  return openLlamaServer(spec, { log, shimPath: shimEntry(), register }, signal);
}
