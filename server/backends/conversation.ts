import type { Failure, FromChild, ToChild } from "../engine/wire.ts";
import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import type { EngineChild } from "./engineChild.ts";
import type { Inbox } from "./inbox.ts";

/** A cancelled engine answers between two steps of a prompt, or two texts; one that takes longer than this hangs. */
const CANCEL_MS = 3_000;

/** What an engine child says to one piece of work: parts, then the message that ends it. */
type Part = Extract<FromChild, { kind: "text" | "vector" }>;
export type Answer = Part | Extract<FromChild, { kind: "done" | "embedded" }>;

interface Conversation {
  readonly child: EngineChild;
  readonly messages: Inbox<FromChild>;
  readonly work: Extract<ToChild, { kind: "generate" | "embed" }>;
}

/**
 * One piece of work, from asking to the moment the child is free again, whoever ends it. Throws what the child reports, or what
 * the signal stands for.
 */
export async function* converse(given: Conversation, signal: AbortSignal): AsyncGenerator<Answer, void, void> {
  const { child, messages, work } = given;
  const cancel = createCancel(child, work.id);
  let isIdle = false;
  signal.addEventListener("abort", cancel.fire, { once: true });
  try {
    child.send(work);
    for (;;) {
      const message = await messages.take();
      if (!("id" in message) || message.id !== work.id)
        throw new Error(`the engine answered ${message.kind} out of turn`);
      isIdle = !isPart(message);
      if (signal.aborted && !isIdle) continue;
      throwIfAborted(signal);
      if (message.kind === "failed") throw errorOf(message.failure);
      if (message.kind === "cancelled") throw new Error("the engine gave up unasked");
      yield message;
      if (isIdle) return;
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

/** What a child reports, as the error it was there. */
export function errorOf(failure: Failure): TandemError {
  const { code, message, nextStep, details } = failure;
  return new TandemError(code, message, nextStep, details === undefined ? {} : { details });
}

function isPart(message: FromChild): message is Part {
  return message.kind === "text" || message.kind === "vector";
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
    while (isPart(await messages.take()));
  } catch {
    // It died instead of answering; `gone` tells.
  }
}
