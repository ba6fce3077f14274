import { ResponseError } from "vscode-languageserver-protocol/node";
import { TandemError } from "../errors.ts";
import type { AnyRequest, EventOf, ParamsOf, ResultOf } from "../protocol/define.ts";
import { ErrorData } from "../protocol/errors.ts";
import { afterLoss, resendEvent } from "../protocol/loss.ts";
import { type Line, LineLost, PROCESS_ENDED } from "./line.ts";

/** The orchestrator as a command sees it, whichever process serves at the moment. */
export interface Client extends AsyncDisposable {
  /** A request whose orchestrator dies goes to the next one where that is right; the user is told what was lost. */
  send<R extends AnyRequest>(
    definition: R,
    params: ParamsOf<R>,
    onEvent: (event: EventOf<R>) => void,
    signal: AbortSignal,
  ): Promise<ResultOf<R>>;
}

/** Orchestrators that leave before they begin: an upgrade, or somebody who stops them. More in a row is no upgrade. */
const MOST_MOVES = 5;
/** A request that an orchestrator had for so long, as it has an HTTP door, was not passed on at once. */
const SETTLED_MS = 60_000;

/** `open` attaches to the orchestrator there is, or starts one. */
export async function createClient(open: () => Promise<Line>): Promise<Client> {
  let line = await opened(open);
  let isDisposed = false;
  return {
    async send(definition, params, onEvent, signal) {
      const given = { definition, params, onEvent };
      for (let sent = 1, moves = 0; ; ) {
        if (line.end !== null) line = await reopened(line, open);
        const sentMs = performance.now();
        const outcome = await tryOnce(line, given, signal);
        if (outcome.kind === "answered") return outcome.result;
        if (isDisposed) throw new TandemError("cancelled", "This client has left", "Nothing to do");
        const ranMs = performance.now() - sentMs;
        if (ranMs > SETTLED_MS) moves = 0;
        if (outcome.kind === "moved" && ++moves <= MOST_MOVES) continue;
        if (outcome.kind === "moved") throw outcome.error;
        const { receivedChars } = outcome;
        const verdict = afterLoss({ definition, sent, ranMs, receivedChars }, line.end ?? PROCESS_ENDED);
        if (verdict.kind === "give-up")
          throw new TandemError("provider", verdict.why, "Run it again; another orchestrator is started for it");
        sent++;
        const resent = resendEvent(definition, sent, verdict.why);
        if (resent) onEvent(resent);
      }
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await line.close();
    },
  };
}

interface Given<R extends AnyRequest> {
  readonly definition: R;
  readonly params: ParamsOf<R>;
  readonly onEvent: (event: EventOf<R>) => void;
}

type Outcome<R extends AnyRequest> =
  | { readonly kind: "answered"; readonly result: ResultOf<R> }
  /** It was refused before it began. */
  | { readonly kind: "moved"; readonly error: unknown }
  | { readonly kind: "lost"; readonly receivedChars: number };

async function tryOnce<R extends AnyRequest>(line: Line, given: Given<R>, signal: AbortSignal): Promise<Outcome<R>> {
  const { definition, params, onEvent } = given;
  let receivedChars = 0;
  const count = (event: EventOf<R>) => {
    if (event.kind === "draft") receivedChars += event.text.length;
    onEvent(event);
  };
  try {
    return { kind: "answered", result: await line.request(definition, params, count, signal) };
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof LineLost) return { kind: "lost", receivedChars };
    const data = ErrorData.safeParse(error instanceof ResponseError ? error.data : null).data;
    if (data?.code !== "shutting-down") throw error;
    return data.details?.started === false ? { kind: "moved", error } : { kind: "lost", receivedChars };
  }
}

async function reopened(line: Line, open: () => Promise<Line>): Promise<Line> {
  void line.close(); // its own business: the next one does not wait for it
  return opened(open);
}

/** An orchestrator can die between letting a client in and answering it. */
async function opened(open: () => Promise<Line>): Promise<Line> {
  for (let tries = 1; ; tries++)
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof LineLost)) throw error;
      if (tries === MOST_MOVES)
        throw new TandemError("provider", `${tries} orchestrators died at their start`, "Look at its log", {
          cause: error,
        });
    }
}
