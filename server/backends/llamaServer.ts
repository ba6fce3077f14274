import type { Need } from "../core/govern/loadable.ts";
import { type BufferReader, createBufferReader, needsOf } from "../core/llamaBuffers.ts";
import type { EngineSpec } from "../engineSpec.ts";
import { abortError, throwIfAborted } from "../errors.ts";
import type { Engine } from "../ports.ts";
import { type LlamaDevices, llamaArguments } from "./llamaArguments.ts";
import { type CardFacts, listDevices, matchDevices } from "./llamaDevices.ts";
import { checkIsLlamaServer, endedWhileLoading, notReady } from "./llamaFailure.ts";
import { type OwnServer, type OwnServerDeps, ownEngine, startOwnServer } from "./ownServer.ts";
import { childEnvironment, pinFor } from "./pin.ts";

const LOADING_MS = 300_000;
/** llama-server's "trace": it names its buffers, and no prompt. */
const VERBOSITY = "4";
/** Prompts that it keeps in main memory beside its slots: 8 GiB of them unless told otherwise, which nobody has reckoned with. */
const PROMPT_CACHE_MIB = "1024";

type Spec = Extract<EngineSpec, { kind: "llama-server" }>;

export interface LlamaServerDeps extends OwnServerDeps {
  /** The cards of this machine, as far as anybody knows them. */
  readonly cards?: () => readonly CardFacts[];
}

/**
 * Starts a llama-server for one model, under a watchdog, and waits until the model is loaded; then it is an endpoint like any other,
 * that only this process has the key of. Throws TandemError: not-configured (no llama-server at that path, or what it is given does not
 * go together), model-unavailable, no-memory, provider, timeout, cancelled.
 */
export async function openLlamaServer(spec: Spec, deps: LlamaServerDeps, signal: AbortSignal): Promise<Engine> {
  throwIfAborted(signal);
  await checkIsLlamaServer(spec.executable, signal);
  const startedMs = performance.now();
  const env = environmentFor(spec);
  const { devices, isSure } = await devicesOf(spec, { env, cards: deps.cards?.() ?? [] }, signal);
  const buffers = createBufferReader();
  const running = await startOwnServer(serverOf(spec, { env, devices, buffers }), deps, signal);
  try {
    const { pid } = running.foreign;
    const device = devices === "none" ? "cpu" : spec.device;
    const said = buffers.usedDevices();
    const engine = await ownEngine(
      running,
      {
        title: "llama-server",
        model: spec.model,
        use: spec.use,
        device,
        held: heldBy(spec, devices, buffers),
        reported: {
          api: apiOf(devices),
          said: said && `llama-server says that it uses ${said}${isSure ? "" : BY_ORDER}`,
        },
      },
      deps,
      signal,
    );
    const ms = Math.round(performance.now() - startedMs);
    deps.log.info("llama-server loaded", { model: spec.model.id, device, pid, ms });
    return engine;
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw signal.aborted ? abortError(signal) : error;
  }
}

interface Given {
  readonly env: Readonly<Record<string, string>>;
  readonly devices: LlamaDevices;
  readonly buffers: BufferReader;
}

function serverOf(spec: Spec, { env, devices, buffers }: Given): OwnServer {
  return {
    title: "llama-server",
    program: spec.executable,
    args: ({ port, name }) => llamaArguments(spec, { port, name, devices }),
    // Variables that it does not know do no harm, as flags would. The user's own go first.
    env: (apiKey) => ({
      LLAMA_ARG_CACHE_RAM: PROMPT_CACHE_MIB,
      ...env,
      LLAMA_ARG_LOG_VERBOSITY: VERBOSITY,
      LLAMA_API_KEY: apiKey,
    }),
    onOutput: (text) => buffers.add(text),
    loadingMs: LOADING_MS,
    endedEarly: (said) => endedWhileLoading(spec, said),
    notReady: () => notReady(spec, LOADING_MS),
  };
}

/** Which of Vulkan's devices to use is said by the server's own names, so all must be there to be named. */
function environmentFor(spec: Spec): Readonly<Record<string, string>> {
  const env = childEnvironment(process.env, { isElectron: false, pin: pinFor(spec) });
  if (spec.cards.length === 0) return env;
  const { GGML_VK_VISIBLE_DEVICES: _, ...others } = env;
  return others;
}

/** Null: no cards are named, and the server chooses by itself among what its environment shows. */
async function devicesOf(
  { cards, device, executable }: Spec,
  given: { readonly env: Readonly<Record<string, string>>; readonly cards: readonly CardFacts[] },
  signal: AbortSignal,
): Promise<{ readonly devices: LlamaDevices; readonly isSure: boolean }> {
  if (cards.length === 0) return { devices: device === "cpu" ? "none" : null, isSure: true };
  return matchDevices(cards, await listDevices(executable, given.env, signal), given.cards);
}

const BY_ORDER = ", and which of several like cards that is was taken from their order";

function heldBy({ cards }: Spec, devices: LlamaDevices, buffers: BufferReader): readonly Need[] | null {
  const named = Array.isArray(devices)
    ? devices.flatMap((it, nth) => (cards[nth] ? [[it, cards[nth].uuid] as const] : []))
    : [];
  // Without cards nobody knows which device a name is.
  const said = buffers.buffers();
  return devices === null || said === null ? null : needsOf(said, new Map(named));
}

function apiOf(devices: LlamaDevices): "cpu" | "cuda" | "other" {
  if (devices === "none") return "cpu";
  return devices?.every((it) => it.startsWith("CUDA")) ? "cuda" : "other";
}
