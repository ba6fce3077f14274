import { needsOf } from "../core/llamaBuffers.ts";
import type { FromChild, WireRequest } from "../engine/wire.ts";
import type { EngineSpec } from "../engineSpec.ts";
import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import type { Register } from "../lifelines/register.ts";
import type { Embeddings, Engine, GenerateRequest, Log, Piece } from "../ports.ts";
import { loadMessage, type Opening, wireRequest } from "./childMessages.ts";
import { type Answer, converse, errorOf } from "./conversation.ts";
import { type Ending, type EngineChild, startEngineChild } from "./engineChild.ts";
import { createInbox, type Inbox } from "./inbox.ts";
import type { CardFacts } from "./llamaDevices.ts";
import { childEnvironment, type Pin, pinFor } from "./pin.ts";
import { createThinkingFilter } from "./thinking.ts";

type Spec = Extract<EngineSpec, { kind: "embedded" }>;

export interface EmbeddedDeps {
  readonly log: Log;
  /** The engine child's program. */
  readonly childPath: string;
  /** Where its process is written down for the next start; null: nowhere. */
  readonly register: Register | null;
  /** The cards of this machine, as far as anybody knows them. */
  readonly cards?: () => readonly CardFacts[];
  /** Where fetched builds of llama.cpp lie. */
  readonly builds?: string;
  /** Shorter, for tests. */
  readonly limits?: { readonly loadingMs?: number; readonly silentMs?: number };
}

/** From a slow disk a big model takes minutes; as long as a llama-server may take. */
const LOADING_MS = 300_000;
/** Vulkan's numbers that are tried for a card: machines have few devices. */
const MOST_VULKAN_DEVICES = 8;

/**
 * Starts a process of its own for one model on one device, and waits until the model is loaded. The process leaves with this one,
 * however this one ends. Throws TandemError: model-unavailable, no-memory, not-configured, provider, timeout, cancelled.
 */
export async function openEmbedded(spec: Spec, deps: EmbeddedDeps, signal: AbortSignal): Promise<Engine> {
  throwIfAborted(signal);
  const pin = pinFor(spec);
  const { slots, extraArguments } = spec.options;
  if (slots > 1 || extraArguments.length > 0)
    // Not what they say: there may be a token of a hub's among them.
    deps.log.warn("the embedded engine has one slot and takes no arguments", { slots, given: extraArguments.length });
  if (new Set(spec.cards.map((it) => it.share)).size > 1)
    deps.log.warn("the embedded engine shares layers by free memory", { asked: spec.cards.map((it) => it.share) });
  const facts = deps.cards?.() ?? [];
  const cardNames = spec.cards.flatMap((card) => facts.find((it) => it.uuid === card.uuid)?.name ?? []);
  // Where a card's name is not known there is nothing to look at.
  const isNamed = cardNames.length === spec.cards.length && pin.gpu !== "cuda" && pin.gpu !== "metal";
  const given = { spec, cardNames: isNamed ? cardNames : [] };
  let names: readonly string[] = [];
  for (const env of environments(spec, pin)) {
    const opened = await openOnce({ ...given, pin: { gpu: pin.gpu, env } }, deps, signal);
    if ("generate" in opened) return opened;
    if (opened.length > names.length) names = opened;
    deps.log.debug("another device has this number", { env: env.GGML_VK_VISIBLE_DEVICES, names: opened });
  }
  throw new TandemError(
    "not-configured",
    `Vulkan does not show ${cardNames.join(" and ")}; it shows: ${names.join(", ") || "nothing"}`,
    "Install the card's Vulkan driver, or run `tandem get`; `vulkaninfo --summary` lists what Vulkan sees",
  );
}

/** Vulkan counts in an order of its own, and integrated GPUs too: for one card its other numbers are tried after the driver's. */
function environments({ cards }: Spec, { gpu, env }: Pin): readonly Pin["env"][] {
  const [card, ...others] = cards;
  if (!card || others.length > 0 || gpu === "cuda" || gpu === "metal" || gpu === "none") return [env];
  const numbers = [card.index, ...Array.from({ length: MOST_VULKAN_DEVICES }, (_, nth) => nth)];
  return [...new Set(numbers)].map((it) => ({ ...env, GGML_VK_VISIBLE_DEVICES: String(it) }));
}

/** The engine; or the names of the devices that the child found in place of the cards. */
async function openOnce(
  { spec, pin, cardNames }: Opening,
  deps: EmbeddedDeps,
  signal: AbortSignal,
): Promise<Engine | readonly string[]> {
  const startedMs = performance.now();
  const messages = createInbox<FromChild>();
  const isElectron = process.versions.electron !== undefined;
  const child = startEngineChild(
    { path: deps.childPath, env: childEnvironment(process.env, { isElectron, pin }) },
    (message) => {
      if (message.kind === "log") deps.log[message.level]("engine says", { pid: child.pid, text: message.text });
      else messages.add(message);
    },
  );
  void writeDown(child, deps);
  deps.log.debug("engine starting", { pid: child.pid, device: spec.device });
  void child.ended.then((ending) => messages.fail(deathError(ending)));
  const kill = () => child.kill();
  const loadingMs = deps.limits?.loadingMs ?? LOADING_MS;
  const limit = AbortSignal.timeout(loadingMs);
  const any = AbortSignal.any([signal, limit]);
  any.addEventListener("abort", kill, { once: true });
  try {
    child.send(loadMessage({ spec, pin, cardNames }, deps.builds ?? null));
    const answer = await messages.take();
    if (answer.kind === "load-failed") throw errorOf(answer.failure);
    if (answer.kind === "other-devices") {
      await child[Symbol.asyncDispose]();
      return answer.names;
    }
    if (answer.kind !== "loaded") throw new Error(`the engine answered ${answer.kind} while loading`);
    throwIfAborted(signal);
    const { id: model } = spec.model;
    const { gpu, threads } = answer;
    const ms = Math.round(performance.now() - startedMs);
    deps.log.info("engine loaded", { model, device: spec.device, gpu, threads, pid: child.pid, ms });
    return createEmbeddedEngine({
      spec,
      child,
      messages,
      log: deps.log,
      loaded: answer,
      silentMs: deps.limits?.silentMs,
    });
  } catch (error) {
    await child[Symbol.asyncDispose]();
    if (signal.aborted) throw abortError(signal);
    throw limit.aborted ? notLoaded(spec, loadingMs) : loadError(error);
  } finally {
    any.removeEventListener("abort", kill);
  }
}

/** An engine child leaves by itself when this process has gone; the register is for the one whose every thread is stuck. */
async function writeDown({ pid, ended }: EngineChild, { register, log }: EmbeddedDeps): Promise<void> {
  if (register === null || pid === null) return;
  try {
    const remove = await register.add({ pid, kind: "engine", program: "engine" });
    await ended;
    await remove();
  } catch (error) {
    log.warn("process could not be written down", { pid, reason: String(error) });
  }
}

interface EngineGiven {
  readonly spec: Spec;
  readonly child: EngineChild;
  readonly messages: Inbox<FromChild>;
  readonly log: Log;
  readonly loaded: Extract<FromChild, { kind: "loaded" }>;
  readonly silentMs: number | undefined;
}

function createEmbeddedEngine(given: EngineGiven): Engine {
  const { spec, child, log, loaded } = given;
  let isDisposed = false;
  const gone = Promise.withResolvers<string>();
  void child.ended.then((ending) => {
    if (isDisposed) return;
    log.error("engine died", { pid: child.pid, ...ending });
    gone.resolve(howItEnded(ending));
  });
  const { work, trim } = createWork(given);
  const { buffers, said } = loaded;
  return {
    model: spec.model,
    // Where no build can use the GPU, the library takes the processor.
    device: loaded.gpu === "none" ? "cpu" : spec.device,
    slots: 1,
    pid: child.pid,
    generate: (request, signal) => write(work, request, signal),
    serves: [],
    relay: null,
    embed: spec.use === "embed" ? (texts, signal) => makeVectors(work, texts, signal) : null,
    gone: gone.promise,
    held: buffers && needsOf(buffers, cardsByName(given)),
    trim,
    placement: null,
    reported: { api: apiOf(loaded.gpu), said: said && `llama.cpp says that it uses ${said}` },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await child[Symbol.asyncDispose]();
    },
  };
}

/** llama.cpp counts what its environment shows, in that order. */
function cardsByName({ spec: { cards }, loaded: { gpu } }: EngineGiven): ReadonlyMap<string, string> {
  const names = { cuda: ["CUDA"], vulkan: ["Vulkan"], metal: ["Metal", "MTL"] }[gpu] ?? [];
  return new Map(
    cards.flatMap(({ uuid }, nth) => names.flatMap((it) => [`${it}${nth}`, it].map((name) => [name, uuid]))),
  );
}

function apiOf(gpu: string): "cpu" | "cuda" | "other" {
  if (gpu === "none") return "cpu";
  return gpu === "cuda" ? "cuda" : "other";
}

type Job = { kind: "generate"; request: WireRequest } | { kind: "embed"; texts: string[] };
type Work = (job: Job, signal: AbortSignal) => AsyncGenerator<Answer, void, void>;

/** One piece of work at a time, numbered. Who comes while it is trimmed waits, and it is not trimmed while somebody works. */
function createWork({ child, messages, silentMs }: EngineGiven): { work: Work; trim: NonNullable<Engine["trim"]> } {
  let lastId = 0;
  let isBusy = false;
  let trimming: Promise<void> = Promise.resolve();
  async function dropContext(): Promise<void> {
    child.send({ kind: "trim" });
    const answer = await messages.take();
    if (answer.kind !== "trimmed") throw new Error(`the engine answered ${answer.kind} to trimming`);
  }
  return {
    async *work(job, signal) {
      throwIfAborted(signal);
      if (isBusy) throw new Error("an embedded engine does one thing at a time");
      isBusy = true;
      try {
        // An engine that dies of it is told by its own end.
        await trimming.catch(() => undefined);
        yield* converse({ child, messages, work: { ...job, id: ++lastId }, silentMs }, signal);
      } finally {
        isBusy = false;
      }
    },
    /** Over in no time, so that its signal is looked at before only. */
    async trim(signal) {
      throwIfAborted(signal);
      if (isBusy) return;
      trimming = trimming.then(dropContext);
      await trimming;
    },
  };
}

async function* write(work: Work, request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, void, void> {
  const thinking = request.prompt.kind === "chat" ? createThinkingFilter() : null;
  for await (const answer of work({ kind: "generate", request: wireRequest(request) }, signal)) {
    if (answer.kind !== "text" && answer.kind !== "done") throw new Error(`the engine answered ${answer.kind} to text`);
    const text = answer.kind === "text" ? (thinking?.add(answer.text) ?? answer.text) : (thinking?.end() ?? "");
    if (text !== "") yield { kind: "text", text };
    if (answer.kind === "text") continue;
    const { id: _, ...done } = answer;
    yield done;
  }
}

async function makeVectors(work: Work, texts: readonly string[], signal: AbortSignal): Promise<Embeddings> {
  const vectors: (readonly number[])[] = [];
  let promptTokens = 0;
  for await (const answer of work({ kind: "embed", texts: [...texts] }, signal)) {
    if (answer.kind === "vector") vectors.push(answer.vector);
    if (answer.kind === "embedded") promptTokens = answer.promptTokens;
  }
  if (vectors.length !== texts.length) throw new Error(`${vectors.length} vectors for ${texts.length} texts`);
  return { vectors, promptTokens };
}

function deathError(ending: Ending): TandemError {
  return new TandemError(
    "provider",
    `The engine's process ended: ${howItEnded(ending)}`,
    "Run it again; the engine is started anew",
    { details: { exitCode: ending.exitCode, signal: ending.signal, isDown: true } },
  );
}

function howItEnded({ exitCode, signal }: Ending): string {
  return signal === null ? `exit code ${exitCode ?? "unknown"}` : `signal ${signal}`;
}

function notLoaded({ model }: Spec, loadingMs: number): TandemError {
  return new TandemError(
    "timeout",
    `The engine had not loaded ${model.label} in ${Math.round(loadingMs / 1_000)} s`,
    "Is the disk slow, or the GPU's driver stuck? Choose a smaller model",
  );
}

/** While loading, a process that is killed from outside most likely was too big. */
function loadError(error: unknown): unknown {
  if (!(error instanceof TandemError) || error.details?.signal !== "SIGKILL") return error;
  return new TandemError(
    "no-memory",
    "The engine was killed while it loaded the model, which is what the system does when memory runs out",
    "Close other programs, or choose a smaller model",
    { cause: error, details: error.details },
  );
}
