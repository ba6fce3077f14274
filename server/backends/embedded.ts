import type { FromChild, WireRequest } from "../engine/wire.ts";
import type { EngineSpec } from "../engineSpec.ts";
import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import type { Register } from "../lifelines/register.ts";
import type { Embeddings, Engine, GenerateRequest, Log, Piece } from "../ports.ts";
import { type Answer, converse, errorOf } from "./conversation.ts";
import { type Ending, type EngineChild, startEngineChild } from "./engineChild.ts";
import { createInbox, type Inbox } from "./inbox.ts";
import { childEnvironment, pinTo } from "./pin.ts";
import { createThinkingFilter } from "./thinking.ts";

type Spec = Extract<EngineSpec, { kind: "embedded" }>;

export interface EmbeddedDeps {
  readonly log: Log;
  /** The engine child's program. */
  readonly childPath: string;
  /** Where its process is written down for the next start; null: nowhere. */
  readonly register: Register | null;
}

/**
 * Starts a process of its own for one model on one device, and waits until the model is loaded. The process leaves with this one,
 * however this one ends. Throws TandemError: model-unavailable, no-memory, not-configured, provider, cancelled.
 */
export async function openEmbedded(spec: Spec, deps: EmbeddedDeps, signal: AbortSignal): Promise<Engine> {
  throwIfAborted(signal);
  const pin = pinTo(spec.device);
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
  signal.addEventListener("abort", kill, { once: true });
  try {
    const { path, threads, contextTokens, use } = spec;
    child.send({ kind: "load", path, gpu: pin.gpu, threads, contextTokens, use });
    const answer = await messages.take();
    if (answer.kind === "load-failed") throw errorOf(answer.failure);
    if (answer.kind !== "loaded") throw new Error(`the engine answered ${answer.kind} while loading`);
    throwIfAborted(signal);
    const loadMs = Math.round(performance.now() - startedMs);
    deps.log.info("engine loaded", {
      model: spec.model.id,
      device: spec.device,
      gpu: answer.gpu,
      threads: answer.threads,
      pid: child.pid,
      ms: loadMs,
    });
    return createEmbeddedEngine({ spec, child, messages, log: deps.log });
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw signal.aborted ? abortError(signal) : loadError(error);
  } finally {
    signal.removeEventListener("abort", kill);
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
}

function createEmbeddedEngine(given: EngineGiven): Engine {
  const { spec, child, log } = given;
  let isDisposed = false;
  const gone = Promise.withResolvers<string>();
  void child.ended.then((ending) => {
    if (isDisposed) return;
    log.error("engine died", { pid: child.pid, ...ending });
    gone.resolve(howItEnded(ending));
  });
  const work = createWork(given);
  return {
    model: spec.model,
    device: spec.device,
    slots: 1,
    pid: child.pid,
    generate: (request, signal) => write(work, request, signal),
    serves: [],
    relay: null,
    embed: spec.use === "embed" ? (texts, signal) => makeVectors(work, texts, signal) : null,
    gone: gone.promise,
    held: null,
    trim: null,
    placement: null,
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await child[Symbol.asyncDispose]();
    },
  };
}

type Job = { kind: "generate"; request: WireRequest } | { kind: "embed"; texts: string[] };
type Work = (job: Job, signal: AbortSignal) => AsyncGenerator<Answer, void, void>;

/** One piece of work at a time, numbered. */
function createWork({ child, messages }: EngineGiven): Work {
  let lastId = 0;
  let isBusy = false;
  return async function* work(job, signal) {
    throwIfAborted(signal);
    if (isBusy) throw new Error("an embedded engine does one thing at a time");
    isBusy = true;
    try {
      yield* converse({ child, messages, work: { ...job, id: ++lastId } }, signal);
    } finally {
      isBusy = false;
    }
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

function wireRequest(request: GenerateRequest): WireRequest {
  const { shape, prompt, stop, ...sampling } = request;
  const copied: WireRequest["prompt"] =
    prompt.kind === "text" ? prompt : { kind: "chat", messages: prompt.messages.map((message) => ({ ...message })) };
  return { ...sampling, prompt: copied, stop: [...stop], grammar: shape?.gbnf ?? null };
}

function deathError(ending: Ending): TandemError {
  return new TandemError(
    "provider",
    `The engine's process ended: ${howItEnded(ending)}`,
    "Run it again; the engine is started anew",
    { details: { exitCode: ending.exitCode, signal: ending.signal } },
  );
}

function howItEnded({ exitCode, signal }: Ending): string {
  return signal === null ? `exit code ${exitCode ?? "unknown"}` : `signal ${signal}`;
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
