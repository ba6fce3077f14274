import type { ServerResponse } from "node:http";
import { breakOff, type OpenRequest } from "./openaiExchange.ts";
import { errorIn, type Flavour, inFlavour } from "./openaiFlavour.ts";
import type { Pace } from "./openaiPace.ts";
import { countTokens, type Fault, type Script } from "./openaiScript.ts";
import { event, eventsFor } from "./openaiWire.ts";

type StreamFault = Exclude<Fault, { kind: "status" | "hang" | "reset" | "page" | "drip-headers" }>;

export interface Streaming {
  readonly script: Script;
  readonly fault: StreamFault | undefined;
  readonly model: string;
  readonly flavour: Flavour;
  readonly pace: Pace | null;
  /** Fires when the client left, unless the fake does not heed that. */
  readonly left: AbortSignal;
}

/** Writes an answer event by event, as fast as its pace says, with what goes wrong in it. */
export async function streamAnswer(request: OpenRequest, response: ServerResponse, given: Streaming): Promise<void> {
  const { script, fault, model, flavour, pace, left } = given;
  const events = eventsFor(request.format, request.body, script, model);
  const write = (text: string) => response.write(spoken(flavour, text));
  response.writeHead(200, { "content-type": "text/event-stream", "transfer-encoding": "chunked" });
  response.flushHeaders();
  if (flavour === "llama-server") for (const echo of echoOf(request)) write(echo);
  await read(request, given, write);
  if (left.aborted) return;
  for (const opening of events.opening) write(opening);
  for (const [index, piece] of [...events.pieces, null].entries()) {
    if (fault?.after === index) {
      const isOver = await fail({ request, response, given }, fault);
      if (isOver) return;
    }
    if (piece === null) break;
    await Promise.race([script.beforePiece?.(index), request.clientLeft]);
    await pace?.wait(1_000 / pace.decodePerSecond, left);
    if (left.aborted || (pace === null && request.state === "client-left")) return;
    write(piece);
  }
  for (const [index, closing] of events.closing.entries()) {
    // Behind what ends the answer, and before the end of the stream.
    if (index > 0 && fault?.after === events.pieces.length + index && (await fail({ request, response, given }, fault)))
      return;
    write(closing);
  }
  response.end();
}

/** An open turn of the model's is repeated before its prompt is read (captured). */
function echoOf({ format, body }: OpenRequest): readonly string[] {
  const last = body.messages?.at(-1);
  if (format !== "chat" || last?.role !== "assistant" || body.return_progress !== true) return [];
  const choices = [{ finish_reason: null, index: 0, delta: { content: last.content } }];
  return [event({ choices, prompt_progress: { total: 31, cache: 0, processed: 0, time_ms: 0 } })];
}

/** The prompt, in llama-server's batches where it is asked to tell of them. */
async function read(
  request: OpenRequest,
  { pace, left, flavour }: Streaming,
  write: (text: string) => void,
): Promise<void> {
  if (pace === null) return;
  const total = countTokens(request.prompt);
  const isTold = flavour === "llama-server" && request.body.return_progress === true;
  for (let processed = 0; processed < total && !left.aborted; ) {
    const tokens = Math.min(128, total - processed);
    await pace.wait((tokens * 1_000) / pace.prefillPerSecond, left);
    processed += tokens;
    const progress = { prompt_progress: { total, cache: 0, processed, time_ms: 1 } };
    const chunk =
      request.format === "native" ? { index: 0, content: "", stop: false } : { choices: [{ index: 0, delta: {} }] };
    if (isTold && !left.aborted) write(event({ ...chunk, ...progress }));
  }
}

interface Failing {
  readonly request: OpenRequest;
  readonly response: ServerResponse;
  readonly given: Streaming;
}

/** True: nothing more comes. */
async function fail({ request, response, given }: Failing, fault: StreamFault): Promise<boolean> {
  switch (fault.kind) {
    case "stall":
      return true;
    case "truncate":
      response.end();
      return true;
    case "disconnect":
      response.write('data: {"cho', () => breakOff(request, response));
      return true;
    case "garbage":
      response.write("data: {not json\n\n");
      return false;
    case "error-event":
      response.end(event(errorIn(given.flavour, 500, fault.message)));
      return true;
    case "drip":
      await drip(fault, response, given.left);
      return true;
  }
}

/** Something that is no token, again and again, until the client has had enough. */
async function drip(
  { text, everyMs, wait }: Extract<Fault, { kind: "drip" }>,
  response: ServerResponse,
  left: AbortSignal,
): Promise<void> {
  while (!left.aborted) {
    response.write(text);
    await wait(everyMs, left);
  }
}

/** Some events are not JSON. */
function spoken(flavour: Flavour, text: string): string {
  if (flavour === "llama-server" || flavour === "plain" || !text.startsWith("data: {")) return text;
  return event(inFlavour(flavour, JSON.parse(text.slice("data: ".length))));
}
