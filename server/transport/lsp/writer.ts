import type { Writable } from "node:stream";
import { Emitter, type Message, type MessageWriter, type ResponseError } from "vscode-languageserver-protocol/node";

export interface Writer extends MessageWriter {
  /** Answers what was never let in. */
  refuse(id: string | number | null, error: ResponseError<unknown>): void;
}

export interface WriterDeps {
  /** A request that was let in is answered. */
  readonly onAnswer: (id: unknown) => void;
  readonly onOverflow: () => void;
}

/** What may lie ready for a client that does not read. */
const MOST_UNREAD_BYTES = 64 * 1024 * 1024;

/**
 * Writes messages without waiting for the client to read them, up to a limit. The library's own writer keeps a queue that has none.
 * What is written once the client has gone is dropped: there is nobody to tell.
 */
export function createWriter(output: Writable, { onAnswer, onOverflow }: WriterDeps): Writer {
  const errors = new Emitter<[Error, Message | undefined, number | undefined]>();
  const closes = new Emitter<void>();
  let isGone = false;
  let isGathering = false;
  output.on("error", (error) => errors.fire([error, undefined, undefined]));
  output.on("close", () => {
    isGone = true;
    closes.fire();
  });

  /** What is said in one go goes out in one go: a write to the system costs more than making a message. */
  function gather(): void {
    if (isGathering) return;
    isGathering = true;
    output.cork();
    process.nextTick(() => {
      isGathering = false;
      output.uncork();
    });
  }

  function send(message: object): void {
    if (isGone || output.writableEnded) return;
    const json = JSON.stringify(message);
    gather();
    output.write(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
    if (output.writableLength <= MOST_UNREAD_BYTES) return;
    isGone = true;
    onOverflow();
  }

  return {
    onError: errors.event,
    onClose: closes.event,
    refuse: (id, error) => send({ jsonrpc: "2.0", id, error: error.toJson() }),
    async write(message) {
      send(message);
      if ("id" in message && !("method" in message)) onAnswer(message.id);
    },
    end: () => output.end(),
    dispose() {
      isGone = true;
      errors.dispose();
      closes.dispose();
    },
  };
}
