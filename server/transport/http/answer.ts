import type { FastifyReply } from "fastify";
import type { Call } from "../../handlers.ts";
import type { Log } from "../../ports.ts";
import type { Decision } from "../../protocol/decision.ts";
import { decisionHeaders } from "./decision.ts";
import { createEventStream } from "./eventStream.ts";
import { failureOf } from "./failure.ts";
import type { HttpLimits } from "./limits.ts";
import type { Running } from "./running.ts";

export interface AnswerDeps {
  readonly limits: HttpLimits;
  readonly log: Log;
  readonly running: Running;
}

type Decided = { readonly kind: "decision"; readonly decision: Decision };
type Work<Event, Result> = (call: Call<Event>) => Promise<Result>;

/** Runs a handler and answers with what it returns; the decision is named in the headers. */
export async function answerWhole<Event extends { readonly kind: string } | Decided, Result>(
  reply: FastifyReply,
  { running }: AnswerDeps,
  work: Work<Event, Result>,
): Promise<Result> {
  const emit = (event: Event) => {
    if (isDecided(event)) reply.headers(decisionHeaders(event.decision));
  };
  return await work({ emit, signal: running.signalOf(reply.raw) });
}

/** How the events of a handler become those of a stream. */
export interface Framing<Event, Result> {
  /** What goes out for an event; null: nothing. */
  readonly part: (event: Event) => unknown;
  /** The last bytes of a stream that went well. */
  readonly end: (result: Result) => string;
}

/** Runs a handler and passes its parts on as they come. What fails before the first of them is answered with a status. */
export async function answerStream<Event extends { readonly kind: string } | Decided, Result>(
  reply: FastifyReply,
  { limits, log, running }: AnswerDeps,
  { work, part, end }: Framing<Event, Result> & { readonly work: Work<Event, Result> },
): Promise<void> {
  using stream = createEventStream(reply.raw, limits);
  const emit = (event: Event) => {
    if (isDecided(event)) {
      const headers = decisionHeaders(event.decision);
      reply.headers(headers);
      stream.announce(headers);
    }
    const data = part(event);
    if (data !== null) stream.send(data);
  };
  try {
    const chunks = { send: stream.sendJson, room: stream.room };
    const result = await work({ emit, signal: running.signalOf(reply.raw), chunks });
    stream.end(end(result));
  } catch (error) {
    if (!stream.isOpen()) throw error;
    const { body } = failureOf(error, reply.request.routeOptions.url ?? "", log);
    stream.end(`data: ${JSON.stringify(body)}\n\n`);
  }
  // The answer is out; Fastify has nothing to add.
  reply.hijack();
}

function isDecided(event: { readonly kind: string }): event is Decided {
  return event.kind === "decision";
}
