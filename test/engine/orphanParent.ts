import { textRequest } from "../backends/ask.ts";
import { silentLog } from "../fakes/log.ts";
import { openTiny } from "./open.ts";
import { LONG_PROMPT } from "./prompts.ts";

/**
 * A process that opens an engine and is killed at a stage its argument names; it says on stdout when that is reached:
 * `load PID`, `prefill PID`, `decode PID`.
 */
const stage = process.argv[2];
const say = (reached: string, pid: unknown) => {
  if (reached === stage) process.stdout.write(`${reached} ${pid}\n`);
};
const signal = new AbortController().signal;
const engine = await openTiny({}, { ...silentLog, debug: (_, fields) => say("load", fields?.pid) });
const isReading = stage === "prefill";
const request = isReading
  ? textRequest(LONG_PROMPT, { maxTokens: 1 })
  : textRequest("x", { maxTokens: 900, shape: { name: "endless", gbnf: 'root ::= ("a" | " ") root', jsonSchema: {} } });
// Nothing tells that a prompt is being read; it takes seconds, of which this is an early one.
if (isReading) setTimeout(() => say("prefill", engine.pid), 500);
for await (const piece of engine.generate(request, signal)) if (piece.kind === "text") say("decode", engine.pid);
