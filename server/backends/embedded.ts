import type { Failure, FromChild, WireRequest } from "../engine/wire.ts";
import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import type { Engine, EngineSpec, GenerateRequest, Log, Piece } from "../ports.ts";
import { type Ending, type EngineChild, startEngineChild } from "./engineChild.ts";
import { createInbox, type Inbox } from "./inbox.ts";
import { childEnvironment, pinTo } from "./pin.ts";
import { createThinkingFilter } from "./thinking.ts";

/** A cancelled engine answers between two steps of a prompt; one that takes longer than this hangs. */
const CANCEL_MS = 3_000;

type Spec = Extract<EngineSpec, { kind: "embedded" }>;

export interface EmbeddedDeps {
  readonly log: Log;
  /** The engine child's program. */
  readonly childPath: string;
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
  deps.log.debug("engine starting", { pid: child.pid, device: spec.device });
  void child.ended.then((ending) => messages.fail(deathError(ending)));
  const kill = () => child.kill();
  signal.addEventListener("abort", kill, { once: true });
  try {
    const { path, threads, contextTokens } = spec;
    child.send({ kind: "load", path, gpu: pin.gpu, threads, contextTokens });
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

interface EngineGiven {
  readonly spec: Spec;
  readonly child: EngineChild;
  readonly messages: Inbox<FromChild>;
  readonly log: Log;
}

function createEmbeddedEngine({ spec, child, messages, log }: EngineGiven): Engine {
  let lastId = 0;
  let isBusy = false;
  let isDisposed = false;
  const gone = Promise.withResolvers<string>();
  void child.ended.then((ending) => {
    if (isDisposed) return;
    log.error("engine died", { pid: child.pid, ...ending });
    gone.resolve(howItEnded(ending));
  });
  async function* generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, void, void> {
    throwIfAborted(signal);
    if (isBusy) throw new Error("an embedded engine writes one text at a time");
    isBusy = true;
    try {
      yield* converse({ child, messages, id: ++lastId, request }, signal);
    } finally {
      isBusy = false;
    }
  }
  return {
    model: spec.model,
    device: spec.device,
    slots: 1,
    pid: child.pid,
    generate,
    relay: null,
    embed: null,
    gone: gone.promise,
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await child[Symbol.asyncDispose]();
    },
  };
}

interface Conversation {
  readonly child: EngineChild;
  readonly messages: Inbox<FromChild>;
  readonly id: number;
  readonly request: GenerateRequest;
}

/** One generation, from asking to the moment the child is free again, whoever ends it. */
async function* converse(given: Conversation, signal: AbortSignal): AsyncGenerator<Piece, void, void> {
  const { child, messages, id, request } = given;
  const cancel = createCancel(child, id);
  const thinking = request.prompt.kind === "chat" ? createThinkingFilter() : null;
  let isIdle = false;
  signal.addEventListener("abort", cancel.fire, { once: true });
  try {
    child.send({ kind: "generate", id, request: wireRequest(request) });
    for (;;) {
      const message = await messages.take();
      if (!("id" in message) || message.id !== id) throw new Error(`the engine answered ${message.kind} out of turn`);
      isIdle = message.kind !== "text";
      if (signal.aborted && !isIdle) continue;
      throwIfAborted(signal);
      if (message.kind === "failed") throw errorOf(message.failure);
      if (message.kind === "cancelled") throw new Error("the engine gave up unasked");
      const text = message.kind === "text" ? (thinking?.add(message.text) ?? message.text) : (thinking?.end() ?? "");
      if (text !== "") yield { kind: "text", text };
      if (message.kind === "text") continue;
      const { id: _, ...done } = message;
      yield done;
      return;
    }
  } catch (error) {
    throw signal.aborted ? abortError(signal) : error;
  } finally {
    signal.removeEventListener("abort", cancel.fire);
    // The reader left in the middle: the engine must be free before anybody else may ask.
    if (!isIdle) {
      cancel.fire();
      await drain(messages);
    }
    cancel.stop();
  }
}

/** Asks the child to stop, and kills it when it does not. */
function createCancel(child: EngineChild, id: number): { fire: () => void; stop: () => void } {
  let timer: NodeJS.Timeout | null = null;
  return {
    fire() {
      if (timer !== null) return;
      child.send({ kind: "cancel", id });
      timer = setTimeout(() => child.kill(), CANCEL_MS);
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

async function drain(messages: Inbox<FromChild>): Promise<void> {
  try {
    while ((await messages.take()).kind === "text");
  } catch {
    // It died instead of answering; `gone` tells.
  }
}

function wireRequest(request: GenerateRequest): WireRequest {
  const { shape, prompt, stop, ...sampling } = request;
  const copied: WireRequest["prompt"] =
    prompt.kind === "text" ? prompt : { kind: "chat", messages: prompt.messages.map((message) => ({ ...message })) };
  return { ...sampling, prompt: copied, stop: [...stop], grammar: shape?.gbnf ?? null };
}

function errorOf(failure: Failure): TandemError {
  const { code, message, nextStep, details } = failure;
  return new TandemError(code, message, nextStep, details === undefined ? {} : { details });
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
