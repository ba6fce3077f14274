import type { RunEvent } from "../protocol/run.ts";
import { acceptNow } from "../protocol/traffic.ts";
import type { Client } from "./client.ts";
import type { Printer } from "./printer.ts";

/** The orchestrator has but to hear of it. */
const ACCEPT_MS = 10_000;
const HINT = "Enter takes the draft as it is, without the rest of its audit";

export interface Taking {
  readonly client: Client;
  /** The run's. */
  readonly ticket: string;
  readonly printer: Printer;
  /** The terminal's keyboard. */
  readonly input: NodeJS.ReadableStream;
}

/** A printer that lets whoever sits at the terminal take a draft whose audit goes on. Only then is the keyboard read. */
export function takeOnEnter({ client, ticket, printer, input }: Taking): Printer & Disposable {
  let isListening = false;
  const accept = () => {
    stop();
    // Should it fail, the audit goes on as it would have, and the run says how it ended.
    client.send(acceptNow, { ticket }, () => undefined, AbortSignal.timeout(ACCEPT_MS)).catch(() => undefined);
  };
  const stop = () => {
    if (!isListening) return;
    isListening = false;
    input.off("data", accept);
    input.pause();
  };
  const follow = (event: RunEvent) => {
    if (event.kind === "retry") stop();
    if (event.kind !== "drafted" || isListening) return;
    isListening = true;
    printer.event({ kind: "notice", message: HINT });
    input.on("data", accept);
  };
  return {
    event(event) {
      printer.event(event);
      follow(event);
    },
    result: printer.result,
    failure: printer.failure,
    [Symbol.dispose]: stop,
  };
}
