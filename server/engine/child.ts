import { TandemError } from "../errors.ts";
import { createGenerate, type Generate } from "./generate.ts";
import { holdLifeline } from "./lifeline.ts";
import { isMemory, type Loaded, load, messageOf } from "./load.ts";
import { type Failure, type FromChild, ToChild, type WireRequest } from "./wire.ts";

/** llama.cpp repeats itself; the first lines say what there is to know. */
const MAX_LOG_LINES = 200;

let loaded: Loaded | null = null;
let generate: Generate | null = null;
let running: { readonly id: number; isCancelled: boolean } | null = null;
let logLines = 0;

// The first thing of all, so that there is no moment without it.
holdLifeline(Number(process.argv[2]));
// Ctrl-C in a terminal reaches the whole group of processes; when to leave is the orchestrator's decision.
process.on("SIGINT", () => {});
process.on("message", (raw) => {
  const message = ToChild.parse(raw);
  switch (message.kind) {
    case "load":
      // Failures are sent as a message; anything else ends the process, and the orchestrator sees that.
      void loadOnce(message);
      return;
    case "generate":
      void run(message.id, message.request);
      return;
    case "cancel":
      if (running?.id === message.id) running.isCancelled = true;
      return;
    case "leave":
      process.exit(0);
  }
});

async function loadOnce(message: Extract<ToChild, { kind: "load" }>): Promise<void> {
  try {
    loaded = await load(message, forwardLog);
    generate = createGenerate(loaded);
    send({ kind: "loaded", gpu: loaded.llama.gpu || "none", threads: loaded.sequence.context.idealThreads });
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    send({ kind: "load-failed", failure: failureOf(error) });
  }
}

async function run(id: number, request: WireRequest): Promise<void> {
  if (loaded === null || generate === null || running !== null)
    throw new Error(`generation ${id} asked for while ${running === null ? "nothing is loaded" : "another runs"}`);
  const mine = { id, isCancelled: false };
  running = mine;
  let answer: FromChild;
  try {
    const done = await generate(request, {
      text: (text) => send({ kind: "text", id, text }),
      isCancelled: () => mine.isCancelled,
    });
    answer = done === null ? { kind: "cancelled", id } : { kind: "done", id, ...done };
  } catch (error) {
    answer = { kind: "failed", id, failure: failureOf(toTandemError(error, loaded)) };
  }
  running = null;
  send(answer);
}

function toTandemError(error: unknown, { library }: Loaded): TandemError {
  if (error instanceof TandemError) return error;
  if (isMemory(library, error))
    return new TandemError(
      "no-memory",
      `The engine ran out of memory: ${messageOf(error)}`,
      "Close other programs, or choose a smaller model",
    );
  return new TandemError("provider", `The engine failed: ${messageOf(error)}`, "Run it again, or choose another model");
}

function failureOf(error: TandemError): Failure {
  const { code, message, nextStep, details } = error;
  return details === undefined ? { code, message, nextStep } : { code, message, nextStep, details };
}

function forwardLog(level: string, text: string): void {
  if (logLines++ >= MAX_LOG_LINES) return;
  const known = level === "fatal" ? "error" : level;
  send({
    kind: "log",
    level: known === "error" || known === "warn" || known === "info" ? known : "debug",
    text: text.trimEnd(),
  });
}

function send(message: FromChild): void {
  // A closed channel means that the parent has gone; the lifeline deals with that.
  process.send?.(message, undefined, undefined, () => {});
}
