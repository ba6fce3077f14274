import type { Readable } from "node:stream";
import {
  type DataCallback,
  Emitter,
  type MessageReader,
  type ResponseError,
} from "vscode-languageserver-protocol/node";
import type { Admission } from "./admission.ts";
import { createFrames, type Frame } from "./frames.ts";

export interface Reader extends MessageReader {
  /** A message that was handed on has been taken up. */
  taken(): void;
}

export interface ReaderDeps {
  readonly admission: Admission;
  readonly refuse: (id: string | number | null, error: ResponseError<unknown>) => void;
  /** The client cannot be understood any longer. */
  readonly onBroken: (why: string) => void;
}

/** Messages handed on and not yet taken up, at which reading pauses. */
const MOST_QUEUED = 64;
/** A client that sends so many messages that are none is not one. */
const MOST_MANGLED = 100;

/** Reads messages, within limits: of one message, of those that wait, and of nonsense. The library's own reader has none. */
export function createReader(input: Readable, { admission, refuse, onBroken }: ReaderDeps): Reader {
  const [errors, closes, partials] = [new Emitter<Error>(), new Emitter<void>(), new Emitter<never>()];
  const frames = createFrames();
  let queued = 0;
  let mangled = 0;
  let isClosed = false;

  function take(frame: Frame, onMessage: DataCallback): void {
    if (frame.kind === "broken") {
      onBroken(frame.why);
      return;
    }
    const admitted = admission.admit(frame.bytes);
    if (admitted.kind === "refused") {
      refuse(admitted.id, admitted.error);
      if (admitted.isMangled && ++mangled >= MOST_MANGLED) onBroken(`${MOST_MANGLED} messages that cannot be read`);
      return;
    }
    queued++;
    try {
      onMessage(admitted.message);
    } catch (error) {
      // Thrown from here it would end the process, and with it the other clients.
      onBroken(`a message that the library cannot take: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    closes.fire();
  }

  return {
    onError: errors.event,
    onClose: closes.event,
    onPartialMessage: partials.event,
    listen(onMessage) {
      const onData = (chunk: Buffer | string) => {
        for (const frame of frames.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk)) {
          if (isClosed) return;
          take(frame, onMessage);
        }
        if (queued >= MOST_QUEUED) input.pause();
      };
      input.on("data", onData);
      input.on("error", (error) => errors.fire(error));
      input.on("end", close);
      input.on("close", close);
      return { dispose: () => input.off("data", onData) };
    },
    taken() {
      queued--;
      if (queued === MOST_QUEUED - 1 && !isClosed) input.resume();
    },
    dispose() {
      isClosed = true;
      for (const emitter of [errors, closes, partials]) emitter.dispose();
    },
  };
}
