import { TandemError } from "../errors.ts";
import { createEmbed, type EmbedTexts } from "./embed.ts";
import { createGenerate, type Generate } from "./generate.ts";
import { holdLifeline } from "./lifeline.ts";
import { isMemory, type Loaded, type LoadedEmbedder, type LoadedWriter, load, messageOf, reach } from "./load.ts";
import { type Failure, type FromChild, ToChild } from "./wire.ts";

/** llama.cpp repeats itself; the first lines say what there is to know. */
const MAX_LOG_LINES = 200;
const NOT_FOR_THIS = "Ask another engine: tandem status lists them";

let loaded: LoadedWriter | LoadedEmbedder | null = null;
/** Trimmed: the model is there, but no context. */
let isTrimmed = false;
let generate: Generate | null = null;
let embed: EmbedTexts | null = null;
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
    case "reach":
      void reachOnce(message);
      return;
    case "generate":
      void work(message.id, (isCancelled) => write(message, isCancelled));
      return;
    case "embed":
      void work(message.id, (isCancelled) => makeVectors(message, isCancelled));
      return;
    case "trim":
      void trim();
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
    const mine = await load(message, forwardLog);
    if (mine.use === "none") {
      send({ kind: "other-devices", names: [...mine.names] });
      return;
    }
    use(mine);
    const threads = mine.use === "write" ? mine.sequence.context.idealThreads : message.threads;
    send({ kind: "loaded", gpu: mine.llama.gpu || "none", threads, ...mine.held });
  } catch (error) {
    sendFailure(error);
  }
}

async function reachOnce(message: Extract<ToChild, { kind: "reach" }>): Promise<void> {
  try {
    const { gpu, names } = await reach(message);
    send({ kind: "reached", gpu, names: [...names] });
  } catch (error) {
    sendFailure(error);
  }
}

function sendFailure(error: unknown): void {
  if (!(error instanceof TandemError)) throw error;
  send({ kind: "load-failed", failure: failureOf(error) });
}

function use(mine: LoadedWriter | LoadedEmbedder): void {
  if (mine.use === "write") generate = createGenerate(mine);
  else embed = createEmbed(mine);
  loaded = mine;
}

/** Asked for only while nothing runs; work that comes meanwhile waits for its end. */
async function trim(): Promise<void> {
  if (loaded === null || running !== null) throw new Error("trimming was asked for while there was work");
  if (!isTrimmed) {
    isTrimmed = true;
    await loaded.dropContext();
  }
  send({ kind: "trimmed" });
}

/** Does one piece of work and sends its end. */
async function work(id: number, act: (isCancelled: () => boolean) => Promise<FromChild>): Promise<void> {
  if (loaded === null || running !== null)
    throw new Error(`work ${id} asked for while ${running === null ? "nothing is loaded" : "other work runs"}`);
  const mine = { id, isCancelled: false };
  running = mine;
  let answer: FromChild;
  try {
    if (isTrimmed) {
      use(await loaded.renewContext());
      isTrimmed = false;
    }
    answer = await act(() => mine.isCancelled);
  } catch (error) {
    answer = { kind: "failed", id, failure: failureOf(toTandemError(error, loaded)) };
  }
  running = null;
  send(answer);
}

async function write(
  { id, request }: Extract<ToChild, { kind: "generate" }>,
  isCancelled: () => boolean,
): Promise<FromChild> {
  if (generate === null) throw new TandemError("not-configured", "This engine makes vectors, not text", NOT_FOR_THIS);
  const done = await generate(request, {
    text: (text) => send({ kind: "text", id, text }),
    reading: () => send({ kind: "reading", id }),
    isCancelled,
  });
  return done === null ? { kind: "cancelled", id } : { kind: "done", id, ...done };
}

async function makeVectors(
  { id, texts }: Extract<ToChild, { kind: "embed" }>,
  isCancelled: () => boolean,
): Promise<FromChild> {
  if (embed === null) throw new TandemError("not-configured", "This engine writes text, not vectors", NOT_FOR_THIS);
  const vector = (values: readonly number[]) => send({ kind: "vector", id, vector: [...values] });
  const promptTokens = await embed(texts, { vector, isCancelled });
  return promptTokens === null ? { kind: "cancelled", id } : { kind: "embedded", id, promptTokens };
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
