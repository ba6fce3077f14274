import type { Failure, FromChild, ToChild } from "../engine/wire.ts";
import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import type { EngineChild } from "./engineChild.ts";
import type { Inbox } from "./inbox.ts";

/** A cancelled engine answers between two steps of a prompt, or two texts; one that takes longer than this hangs. */
const CANCEL_MS = 3_000;

/**
 * A child says something after each step of a prompt and each text, which take two seconds where they are slow; a card whose driver hangs
 * says nothing for ever.
 */
const SILENT_MS = 120_000;

/** What an engine child says to one piece of work: parts, then the message that ends it. */
type Part = Extract<FromChild, { kind: "text" | "vector" | "reading" }>;
export type Answer = Exclude<Part, { kind: "reading" }> | Extract<FromChild, { kind: "done" | "embedded" }>;

interface Conversation {
  readonly child: EngineChild;
  readonly messages: Inbox<FromChild>;
  readonly work: Extract<ToChild, { kind: "generate" | "embed" }>;
  /** Shorter, for tests. */
  readonly silentMs: number | undefined;
}

/**
 * One piece of work, from asking to the moment the child is free again, whoever ends it. Throws what the child reports, or what
 * the signal stands for; TandemError timeout where it says nothing for long, and is ended.
 */
export async function* converse(given: Conversation, signal: AbortSignal): AsyncGenerator<Answer, void, void> {
  const { child, messages, work } = given;
  const cancel = createCancel(child, work.id);
  const silence = createSilence(child, given.silentMs ?? SILENT_MS);
  let isIdle = false;
  signal.addEventListener("abort", cancel.fire, { once: true });
  try {
    child.send(work);
    for (;;) {
      const message = await messages.take();
      silence.heard();
      if (!("id" in message) || message.id !== work.id)
        throw new Error(`the engine answered ${message.kind} out of turn`);
      isIdle = !isPart(message);
      if (message.kind === "reading" || (signal.aborted && !isIdle)) continue;
      throwIfAborted(signal);
      if (message.kind === "failed") throw errorOf(message.failure);
      if (message.kind === "cancelled") throw new Error("the engine gave up unasked");
      yield message;
      if (isIdle) return;
    }
  } catch (error) {
    throw signal.aborted ? abortError(signal) : (silence.fired() ?? error);
  } finally {
    signal.removeEventListener("abort", cancel.fire);
    // The reader left in the middle: the engine must be free before anybody else may ask.
    if (!isIdle) {
      cancel.fire();
      await drain(messages);
    }
    cancel.stop();
    silence.stop();
  }
}

/** What a child reports, as the error it was there. */
export function errorOf(failure: Failure): TandemError {
  const { code, message, nextStep, details } = failure;
  return new TandemError(code, message, nextStep, details === undefined ? {} : { details });
}

function isPart(message: FromChild): message is Part {
  return message.kind === "text" || message.kind === "vector" || message.kind === "reading";
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

/** Kills the child when nothing is heard of it for that long. */
function createSilence(child: EngineChild, silentMs: number) {
  let heardMs = performance.now();
  let error: TandemError | null = null;
  let timer = setTimeout(look, silentMs);
  /** Texts come a hundred times a second, so the timer is not set anew for each. */
  function look(): void {
    const leftMs = heardMs + silentMs - performance.now();
    if (leftMs > 0) {
      timer = setTimeout(look, leftMs);
      return;
    }
    const words = `The engine has said nothing for ${Math.round(silentMs / 1_000)} s, and was ended`;
    const nextStep = "Run it again; the engine is started anew. If it happens again, look at the GPU's driver";
    error = new TandemError("timeout", words, nextStep, { details: { limit: "idle" } });
    child.kill();
  }
  return {
    heard() {
      heardMs = performance.now();
    },
    fired: () => error,
    stop: () => clearTimeout(timer),
  };
}

async function drain(messages: Inbox<FromChild>): Promise<void> {
  try {
    while (isPart(await messages.take()));
  } catch {
    // It died instead of answering; `gone` tells.
  }
}
