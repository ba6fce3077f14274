import { openEndpoint } from "../../server/backends/openai.ts";
import { blameOf } from "../../server/core/blame.ts";
import { BREAKER_RULES, type Breaker, breakerAfter, CLOSED_BREAKER } from "../../server/core/breaker.ts";
import { TandemError } from "../../server/errors.ts";
import type { Engine } from "../../server/ports.ts";
import { silentLog } from "../fakes/log.ts";
import { errorIn, type Flavour } from "../fakes/openaiFlavour.ts";
import type { Fault, Script } from "../fakes/openaiScript.ts";
import { type FakeLlama, startFakeLlama } from "../fakes/openaiServer.ts";
import { createVirtualTime, type VirtualTime } from "../fakes/virtualTime.ts";
import { chatRequest } from "./ask.ts";

export const FLAVOURS: readonly Flavour[] = ["llama-server", "vllm", "ollama", "plain"];
export const PHASES = ["before headers", "first token", "mid-stream", "last token"] as const;
export type Phase = (typeof PHASES)[number];
/** Both ways in which text is asked for: by tasks of ours, and passed on from OpenAI's API. */
export const WAYS = ["generate", "relay"] as const;
export type Way = (typeof WAYS)[number];

const PIECES = ["const", " sum", " =", " a", " +", " b;", "\n"];
export const TEXT = PIECES.join("");
/** As many failures in a row open a circuit breaker. */
const IN_ROW = BREAKER_RULES.mostInRow;
const PACE = { prefillPerSecond: 500, decodePerSecond: 50 };
/** What a whole answer takes at that pace, and what an attempt costs beside its limit. */
const AMPLE_MS = 1_000;

export interface FaultCase {
  readonly fault: string;
  readonly phase: Phase;
  /** What the server does with the first request, the second, …; the last stays. Null: nobody listens. */
  readonly scripts: ((time: VirtualTime, flavour: Flavour) => readonly Script[]) | null;
  /** "recovered", or the code of the error and a word of its message. */
  readonly want: "recovered" | readonly [code: string, words: RegExp];
  /** The longest it may take, on the clock of the case. */
  readonly limitMs: number;
  /** Its error does not count against the engine. */
  readonly isHarmless?: true;
}

export interface FaultResult {
  readonly outcome: string;
  readonly ms: number;
  readonly text: string;
  /** After as many requests as open it. */
  readonly breaker: Breaker["state"];
  readonly openSockets: number;
  readonly busySlots: number;
  /** What is not as it should be. */
  readonly wrong: readonly string[];
}

const at = (phase: Phase): number =>
  ({ "before headers": 0, "first token": 0, "mid-stream": 3, "last token": PIECES.length })[phase];
const textOf = (phase: Phase): string => PIECES.slice(0, at(phase)).join("");
const good: Script = { pieces: PIECES };
const always = (fault: Fault) => () => [{ ...good, fault }];
const once = (fault: Fault) => () => [{ ...good, fault }, good];
const status =
  (code: number, headers: Record<string, string> = {}) =>
  (flavour: Flavour): Fault => ({
    kind: "status",
    status: code,
    body: errorIn(flavour, code, "no"),
    headers,
  });
const refused = (fault: (flavour: Flavour) => Fault) => (_: VirtualTime, flavour: Flavour) => [
  { ...good, fault: fault(flavour) },
];
const EMPTY_EVENT = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":null}]}\n\n';

const BEFORE_HEADERS: readonly Omit<FaultCase, "phase">[] = [
  { fault: "refuse", scripts: null, want: ["provider", /Nothing listens/], limitMs: AMPLE_MS },
  { fault: "500", scripts: refused(status(500)), want: ["provider", /HTTP 500/], limitMs: AMPLE_MS },
  {
    fault: "503, then well",
    scripts: (_, it) => [{ fault: status(503)(it) }, good],
    want: "recovered",
    limitMs: 2 * AMPLE_MS,
  },
  {
    fault: "429, Retry-After 2 s",
    scripts: (_, it) => [{ fault: status(429, { "retry-after": "2" })(it) }, good],
    want: "recovered",
    limitMs: 4 * AMPLE_MS,
  },
  {
    fault: "429 for good",
    scripts: refused(status(429)),
    want: ["provider", /HTTP 429/],
    limitMs: 3 * AMPLE_MS,
    isHarmless: true,
  },
  {
    fault: "429, Retry-After 1 h",
    scripts: refused(status(429, { "retry-after": "3600" })),
    want: ["provider", /HTTP 429/],
    limitMs: AMPLE_MS,
    isHarmless: true,
  },
  { fault: "hang", scripts: always({ kind: "hang" }), want: ["timeout", /No first token.* 120 s/], limitMs: 120_000 },
  { fault: "reset, then well", scripts: once({ kind: "reset" }), want: "recovered", limitMs: 2 * AMPLE_MS },
  { fault: "reset for good", scripts: always({ kind: "reset" }), want: ["provider", /broke/], limitMs: 3 * AMPLE_MS },
  {
    fault: "wrong content type",
    scripts: always({ kind: "page", contentType: "text/html", body: "<html>" }),
    want: ["provider", /not a stream/],
    limitMs: AMPLE_MS,
  },
  {
    fault: "JSON, no stream",
    scripts: always({ kind: "page", contentType: "application/json", body: "{}" }),
    want: ["provider", /not a stream/],
    limitMs: AMPLE_MS,
  },
  {
    fault: "headers drip",
    scripts: (time) => [{ fault: { kind: "drip-headers", everyMs: 9_000, wait: time.wait } }],
    want: ["timeout", /No first token/],
    limitMs: 120_000,
  },
];

/** In a stream, wherever it is by then. */
function inStream(phase: Phase): readonly Omit<FaultCase, "phase">[] {
  const after = at(phase);
  const isFirst = phase === "first token";
  const silence: FaultCase["want"] = ["timeout", isFirst ? /No first token.* 120 s/ : /Nothing more.* 60 s/];
  const silenceMs = (isFirst ? 120_000 : 60_000) + AMPLE_MS;
  const drip = (text: string) => (time: VirtualTime) => [
    { ...good, fault: { kind: "drip", after, text, everyMs: 9_000, wait: time.wait } as const },
  ];
  return [
    { fault: "hang", scripts: always({ kind: "stall", after }), want: silence, limitMs: silenceMs },
    {
      fault: "truncated",
      scripts: always({ kind: "truncate", after }),
      want: ["provider", /ended before/],
      limitMs: AMPLE_MS,
    },
    {
      fault: "garbage",
      scripts: always({ kind: "garbage", after }),
      want: ["provider", /not in a format/],
      limitMs: AMPLE_MS,
    },
    {
      fault: "error event",
      scripts: always({ kind: "error-event", after, message: "CUDA error" }),
      want: ["provider", /CUDA error/],
      limitMs: AMPLE_MS,
    },
    { fault: "comments drip", scripts: drip(": ping\n\n"), want: silence, limitMs: silenceMs },
    { fault: "empty events drip", scripts: drip(EMPTY_EVENT), want: silence, limitMs: silenceMs },
    { fault: "half an event drips", scripts: drip("data"), want: silence, limitMs: silenceMs },
    {
      fault: "connection breaks",
      scripts: always({ kind: "disconnect", after }),
      want: ["provider", /broke/],
      limitMs: 4 * AMPLE_MS,
    },
  ];
}

export const CASES: readonly FaultCase[] = [
  ...BEFORE_HEADERS.map((it) => ({ ...it, phase: "before headers" as const })),
  ...PHASES.slice(1).flatMap((phase) => inStream(phase).map((it) => ({ ...it, phase }))),
  {
    fault: "a token every 50 s",
    phase: "mid-stream",
    scripts: (time) => [{ ...good, beforePiece: () => time.wait(50_000) }],
    want: ["timeout", /No whole answer.* 300 s/],
    limitMs: 300_000,
  },
];

export interface FaultRun {
  readonly flavour: Flavour;
  readonly way: Way;
  /** Requests that really meet it; a breaker that opens later is told the last one's end again. */
  readonly requests: number;
}

/** One fault at one kind of server, by one way, on a clock of its own. */
export async function runFault(it: FaultCase, { flavour, way, requests }: FaultRun): Promise<FaultResult> {
  const time = createVirtualTime();
  const scripts = it.scripts?.(time, flavour) ?? [good];
  let asked = 0;
  const fake = await startFakeLlama({
    flavour,
    pace: { ...PACE, wait: time.wait },
    reply: () => scripts[Math.min(asked++, scripts.length - 1)] ?? good,
  });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  const never = new AbortController().signal;
  const engine = await openEndpoint(spec, { log: silentLog, timing: time }, never);
  if (it.scripts === null) await fake.close();
  const startMs = time.nowMs();
  const heard = await time.run(hear(engine, way));
  const ms = time.nowMs() - startMs;
  let last = heard.error;
  let breaker = after(CLOSED_BREAKER, last, time.nowMs());
  for (let count = 1; count < IN_ROW && it.want !== "recovered"; count++) {
    if (count < requests) last = (await time.run(hear(engine, way))).error;
    breaker = after(breaker, last, time.nowMs());
  }
  await engine[Symbol.asyncDispose]();
  const openSockets = await emptied(fake);
  const busySlots = fake.busySlots();
  await fake.close();
  const result = {
    outcome: outcomeOf(heard.error),
    ms,
    text: heard.text,
    breaker: breaker.state,
    openSockets,
    busySlots,
  };
  return { ...result, wrong: wrongIn(it, { ...result, error: heard.error }) };
}

interface Heard {
  readonly text: string;
  readonly error: unknown;
}

async function hear(engine: Engine, way: Way): Promise<Heard> {
  const never = new AbortController().signal;
  let text = "";
  try {
    if (way === "generate")
      for await (const piece of engine.generate(chatRequest("add a and b"), never))
        text += piece.kind === "text" ? piece.text : "";
    else {
      const body = { model: "auto", stream: true, messages: [{ role: "user", content: "add a and b" }] };
      const reply = await engine.relay?.({ path: "/chat/completions", body }, never);
      if (reply?.kind === "stream") for await (const chunks of reply.chunks) for (const it of chunks) text += it.text;
    }
  } catch (error) {
    return { text, error };
  }
  return { text, error: null };
}

function outcomeOf(error: unknown): string {
  if (error === null) return "recovered";
  return error instanceof TandemError ? error.code : `a bug: ${String(error)}`;
}

function after(breaker: Breaker, error: unknown, atMs: number): Breaker {
  const { epoch } = breaker;
  if (error === null) return breakerAfter(breaker, { kind: "succeeded", epoch, atMs });
  if (error instanceof TandemError && blameOf(error) !== "broken") return breaker;
  return breakerAfter(breaker, { kind: "failed", epoch, atMs, why: String(error) });
}

/** Sockets that are still open once everything has had its turn. */
async function emptied(fake: FakeLlama): Promise<number> {
  for (let turn = 0; turn < 1_000 && (fake.openSockets() > 0 || fake.busySlots() > 0); turn++)
    await new Promise((resolve) => setImmediate(resolve));
  return fake.openSockets();
}

function wrongIn(it: FaultCase, got: Omit<FaultResult, "wrong"> & { readonly error: unknown }): string[] {
  const wrong: string[] = [];
  const isRecovered = it.want === "recovered";
  const want = isRecovered ? "recovered" : it.want[0];
  if (got.outcome !== want) wrong.push(`outcome ${got.outcome}, not ${want}`);
  if (!isRecovered && got.error instanceof TandemError) {
    if (!it.want[1].test(got.error.message)) wrong.push(`message "${got.error.message}"`);
    if (got.error.nextStep === "") wrong.push("no next step");
  }
  const text = isRecovered ? TEXT : it.fault === "a token every 50 s" ? PIECES.slice(0, 5).join("") : textOf(it.phase);
  if (got.text !== text) wrong.push(`text "${got.text}", not "${text}"`);
  if (got.ms > it.limitMs) wrong.push(`${Math.round(got.ms)} ms, more than ${it.limitMs}`);
  const breaker = isRecovered || it.isHarmless ? "closed" : "open";
  if (got.breaker !== breaker) wrong.push(`breaker ${got.breaker}, not ${breaker}`);
  if (got.openSockets > 0) wrong.push(`${got.openSockets} sockets open`);
  if (got.busySlots > 0) wrong.push(`${got.busySlots} slots busy`);
  return wrong;
}
