import { openEndpoint } from "../../server/backends/openai.ts";
import type { OpenEngine } from "../../server/ports.ts";
import { silentLog } from "../fakes/log.ts";
import type { Fault, Script } from "../fakes/openaiScript.ts";
import { type FakeLlama, type FakeOptions, type FakeRequest, startFakeLlama } from "../fakes/openaiServer.ts";
import { realEngines } from "./testWorld.ts";

/** Real connections that wait a millisecond, and not half a second, before they ask a server again. */
export const impatient: OpenEngine = (spec, signal) =>
  spec.kind === "endpoint"
    ? openEndpoint(spec, { log: silentLog, limits: { retryBaseMs: 1, connectMs: 1_000 } }, signal)
    : realEngines(silentLog)(spec, signal);

export interface Dying extends Partial<Omit<FakeOptions, "reply">> {
  /** What its model writes, whatever it is asked. */
  readonly text: string;
  /** What goes wrong with each request for that text, counted from 0; null: nothing. */
  readonly fault?: (nth: number) => Fault | null;
  /** Other requests than for that text: an audit's. */
  readonly other?: (request: FakeRequest) => string | Script | null;
}

/** A server whose model goes on where it is told to, as a real one does, and that breaks as it is told. */
export async function startDying({ text, fault = () => null, other = () => null, ...fake }: Dying): Promise<FakeLlama> {
  let asked = 0;
  return await startFakeLlama({
    ...fake,
    reply(request) {
      const answer = other(request);
      if (answer !== null) return answer;
      const now = fault(asked++);
      const rest = { text: text.slice(saidIn(request, text).length) };
      return now ? { ...rest, fault: now } : rest;
    },
  });
}

/** What of the text stands in the request already. */
function saidIn({ body, prompt }: FakeRequest, text: string): string {
  const last = body.messages?.at(-1);
  const there = last ? (last.role === "assistant" ? String(last.content) : "") : tail(prompt, text);
  if (!text.startsWith(there)) throw new Error(`asked to go on after ${JSON.stringify(there)}`);
  return there;
}

/** The longest beginning of the text that the prompt ends with. */
function tail(prompt: string, text: string): string {
  for (let length = text.length; length > 0; length--)
    if (prompt.endsWith(text.slice(0, length))) return text.slice(0, length);
  return "";
}

export const always = (fault: Fault) => () => fault;

/** What can go wrong before, in and at the end of a text of `pieces` pieces. */
export const phases = (pieces: number): readonly { readonly name: string; readonly fault: Fault }[] => [
  { name: "before the headers: the connection is reset", fault: { kind: "reset" } },
  { name: "before the headers: HTTP 500", fault: { kind: "status", status: 500, body: { error: { message: "no" } } } },
  { name: "before the first token: an error event", fault: { kind: "error-event", after: 0, message: "out of luck" } },
  { name: "after the first token", fault: { kind: "disconnect", after: 1 } },
  { name: "in the middle: the connection breaks", fault: { kind: "disconnect", after: Math.floor(pieces / 2) } },
  {
    name: "in the middle: an error event",
    fault: { kind: "error-event", after: Math.floor(pieces / 2), message: "cuda" },
  },
  { name: "in the middle: the stream just ends", fault: { kind: "truncate", after: Math.floor(pieces / 2) } },
  { name: "in the middle: garbage", fault: { kind: "garbage", after: Math.floor(pieces / 2) } },
  { name: "at the last token", fault: { kind: "disconnect", after: pieces } },
];
