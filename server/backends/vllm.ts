import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Need } from "../core/govern/loadable.ts";
import type { VllmSpec } from "../engineSpec.ts";
import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import { findProgram } from "../platform/findProgram.ts";
import type { Engine } from "../ports.ts";
import { checkedArguments, VLLM_FLAGS } from "./extraArguments.ts";
import { type OwnServer, type OwnServerDeps, ownEngine, type Running, startOwnServer } from "./ownServer.ts";
import { childEnvironment, type Pin, pinFor } from "./pin.ts";
import { endedWhileStarting } from "./vllmFailure.ts";

/** It may have to fetch its model first, compiles it, and captures graphs. */
const LOADING_MS = 1_800_000;
/** Its last words are a traceback that says "see above": enough is kept to see above. */
const KEPT_CHARS = 64_000;
const GIBIBYTE = 1024 ** 3;

/** The variable with which vLLM opens its doors for development, sleeping among them. */
const DEV_MODE = "VLLM_SERVER_DEV_MODE";

/**
 * Starts a vLLM that is installed here for one model, under a watchdog, and waits until it answers; its key goes by the environment.
 * Code that comes with a model is never run unless the user's own arguments say so. Throws TandemError: not-configured, model-unavailable,
 * no-memory, provider, timeout, cancelled.
 */
export async function openVllm(spec: VllmSpec, deps: OwnServerDeps, signal: AbortSignal): Promise<Engine> {
  throwIfAborted(signal);
  const program = await whereItIs(spec.executable, process.platform);
  const startedMs = performance.now();
  const output = createOutput();
  const running = await startOwnServer(serverOf({ ...spec, executable: program }, output), deps, signal);
  try {
    const engine = await ownEngine(
      running,
      { title: "vLLM", model: spec.model, use: spec.use, device: deviceOf(spec), held: heldBy(spec, output.text()) },
      deps,
      signal,
    );
    const ms = Math.round(performance.now() - startedMs);
    deps.log.info("vLLM loaded", { model: spec.model.id, device: engine.device, pid: engine.pid, ms });
    return canSleep(spec) ? withSleep(engine, running) : engine;
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw signal.aborted ? abortError(signal) : error;
  }
}

function serverOf(spec: VllmSpec, output: Output): OwnServer {
  const env = childEnvironment(process.env, { isElectron: false, pin: pinOf(spec) });
  return {
    title: "vLLM",
    program: spec.executable,
    args: ({ port, name }) => vllmArguments(spec, { port, name }),
    // It would tell its makers what it runs on.
    env: (apiKey) => ({ VLLM_NO_USAGE_STATS: "1", ...env, VLLM_API_KEY: apiKey }),
    onOutput: output.add,
    loadingMs: LOADING_MS,
    endedEarly: ({ how }) => endedWhileStarting(spec, { words: output.text(), how }),
    notReady: () =>
      new TandemError(
        "timeout",
        `vLLM was not ready with ${spec.model.label} in ${LOADING_MS / 60_000} minutes`,
        "Fetch the model beforehand (`hf download`), or choose a smaller one",
      ),
  };
}

/** As `vllm serve --help` has them. */
export function vllmArguments(
  spec: VllmSpec,
  { port, name }: { readonly port: number; readonly name: string },
): readonly string[] {
  const { source, memoryShare, contextTokens, quantization, cards, extraArguments } = spec;
  return [
    ...["serve", source, "--host", "127.0.0.1", "--port", String(port), "--served-model-name", name],
    ...["--gpu-memory-utilization", String(memoryShare), "--max-model-len", String(contextTokens)],
    ...(quantization === null ? [] : ["--quantization", quantization]),
    ...(cards.length > 1 ? ["--tensor-parallel-size", String(cards.length)] : []),
    ...checkedArguments(extraArguments, VLLM_FLAGS),
  ];
}

/** The program: a path, or a name in PATH or in the environments that people make for it. Throws TandemError not-configured. */
async function whereItIs(name: string, platform: NodeJS.Platform): Promise<string> {
  if (platform === "win32")
    throw new TandemError(
      "not-configured",
      "vLLM does not run on Windows",
      "Use llama-server (`tandem get llama-server`), or start vLLM in WSL and set its address as endpoint",
    );
  const { env } = process;
  const environments = [
    env.VIRTUAL_ENV ?? "",
    join(homedir(), "vllm"),
    join(homedir(), "vllm", ".venv"),
    join(homedir(), ".venv"),
  ];
  const found = await findProgram(name, { env, besides: environments.map((it) => join(it, "bin")) });
  if (found !== null) return found;
  throw new TandemError(
    "not-configured",
    `There is no vLLM at ${isAbsolute(name) ? name : `"${name}", in PATH or in ${environments.slice(1).join(", ")}`}`,
    "`which vllm` tells where it is, in the environment it was installed into; `tandem get` tells how to install it",
  );
}

/** Without cards it sees what this process sees. */
function pinOf({ cards }: VllmSpec): Pin {
  if (cards.length === 0) return { gpu: "auto", env: {} };
  return pinFor({ device: "auto", cards: cards.map((it) => ({ ...it, share: 1 })) });
}

function deviceOf({ cards }: VllmSpec): string {
  return cards.length === 0 ? "gpu" : cards.map((it) => `gpu:${it.index}`).join("+");
}

/** What it says that it took of each card; null where it did not say. Its ranks are alike. */
function heldBy({ cards }: VllmSpec, words: string): readonly Need[] | null {
  const gibibytes = (pattern: RegExp) => Number([...words.matchAll(pattern)].at(-1)?.[1] ?? Number.NaN);
  const weights = gibibytes(/Model loading took ([\d.]+) Gi?B/g);
  const cache = gibibytes(/Available KV cache memory: ([\d.]+) Gi?B/g);
  const graphs = gibibytes(/Graph capturing finished in [\d.]+ secs, took ([\d.]+) Gi?B/g);
  const sum = weights + cache + (Number.isNaN(graphs) ? 0 : graphs);
  return Number.isNaN(sum) ? null : cards.map(({ uuid }) => ({ device: uuid, bytes: Math.round(sum * GIBIBYTE) }));
}

/**
 * Sleeping needs a flag of the user's, and a variable that opens other doors besides, which ask for no key: so it is used where the user
 * has set both, and never switched on for him.
 */
function canSleep({ extraArguments }: VllmSpec): boolean {
  return process.env[DEV_MODE] === "1" && extraArguments.includes("--enable-sleep-mode");
}

/** Level 1: keys and values are dropped and the weights wait in main memory, from where they are back in a moment. */
function withSleep(engine: Engine, running: Running): Engine {
  let isAsleep = false;
  let falling: Promise<void> = Promise.resolve();
  async function wake(signal: AbortSignal): Promise<void> {
    // One that could not fall asleep is awake.
    await falling.catch(() => undefined);
    if (!isAsleep) return;
    await running.post("/wake_up", signal);
    isAsleep = false;
  }
  async function sleep(signal: AbortSignal): Promise<void> {
    if (isAsleep) return;
    await running.post("/sleep?level=1", signal);
    isAsleep = true;
  }
  const { relay, embed } = engine;
  return {
    ...engine,
    async *generate(request, signal) {
      await wake(signal);
      yield* engine.generate(request, signal);
    },
    relay: relay && (async (request, signal) => wake(signal).then(() => relay(request, signal))),
    embed: embed && (async (texts, signal) => wake(signal).then(() => embed(texts, signal))),
    async trim(signal) {
      falling = sleep(signal);
      await falling;
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

interface Output {
  add(text: string): void;
  text(): string;
}

function createOutput(): Output {
  let kept = "";
  return {
    add(text) {
      kept = (kept + text).slice(-KEPT_CHARS);
    },
    text: () => kept,
  };
}
