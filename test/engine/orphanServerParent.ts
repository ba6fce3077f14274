import { createRegister, thisProcess } from "../../server/lifelines/register.ts";
import { textRequest } from "../backends/ask.ts";
import { silentLog } from "../fakes/log.ts";
import { openLlama } from "./openLlama.ts";
import { LONG_PROMPT } from "./prompts.ts";

/**
 * Stands for an orchestrator that runs a llama-server and is killed at a stage its argument names; it says on stdout when that is
 * reached: `load PID`, `prefill PID`, `decode PID`. The second argument is the folder where its processes stand.
 */
const [stage, folder = ""] = process.argv.slice(2);
const say = (reached: string, pid: unknown) => {
  if (reached === stage) process.stdout.write(`${reached} ${pid}\n`);
};
const register = createRegister({ folder, owner: thisProcess() });
const log = { ...silentLog, debug: (_: string, fields?: Record<string, unknown>) => say("load", fields?.pid) };
const engine = await openLlama({}, { log, register });
const isReading = stage === "prefill";
const request = isReading
  ? textRequest(LONG_PROMPT, { maxTokens: 1 })
  : textRequest("x", { maxTokens: 900, shape: { name: "endless", gbnf: 'root ::= ("a" | " ") root', jsonSchema: {} } });
// Nothing tells that a prompt is being read; it takes seconds, of which this is an early one.
if (isReading) setTimeout(() => say("prefill", engine.pid), 500);
for await (const piece of engine.generate(request, new AbortController().signal))
  if (piece.kind === "text") say("decode", engine.pid);
