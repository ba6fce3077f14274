import { TandemError } from "../errors.ts";
import { status } from "../protocol/requests.ts";
import type { Client } from "./client.ts";
import { demo } from "./demo.ts";
import { generateOnce, toGenerate } from "./generate.ts";
import { listModels, pullModel } from "./models.ts";
import type { Values } from "./options.ts";
import type { Out, Printer } from "./printer.ts";
import { toRequest } from "./request.ts";
import { runOnce } from "./run.ts";

export interface Given {
  readonly words: readonly string[];
  readonly values: Values;
  readonly printer: Printer;
  readonly out: Out;
}

/** What is left to do once an orchestrator is there; resolves to the exit code. */
export type Job = (client: Client, signal: AbortSignal) => Promise<number>;

/** Reads the arguments first, so that a mistake in them starts nothing. Throws TandemError bad-input. */
export type Command = (given: Given) => Promise<Job> | Job;

/** Every command that talks to an orchestrator. */
export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["run", toRun],
  ["generate", toGeneration],
  ["models", toModels],
  ["status", () => showStatus],
  ["demo", (given) => (client, signal) => demo(client, given.out, signal)],
]);

async function toRun({ words, values, printer }: Given): Promise<Job> {
  const request = await toRequest({ ...values, instruction: words.join(" ") });
  return async (client, signal) => (await runOnce(request, client, printer, values.apply === true, signal)).exitCode;
}

function toGeneration({ words, values, printer, out }: Given): Job {
  const request = toGenerate(words.join(" "), values);
  return async (client, signal) => {
    await generateOnce(request, { client, out, printer, isJson: values.json === true }, signal);
    return 0;
  };
}

function toModels({ words, values, out, printer }: Given): Job {
  const [verb, model] = words;
  if (verb === undefined) return done((client, signal) => listModels(client, out, values.json === true, signal));
  if (verb === "pull" && model !== undefined)
    return done((client, signal) => pullModel(model, client, { out, printer }, signal));
  const message = `There is no command "models ${words.join(" ")}"`;
  throw new TandemError("bad-input", message, "Use `tandem models` or `tandem models pull MODEL`");
}

const showStatus: Job = async (client, signal) => {
  const now = await client.send(status, {}, () => undefined, signal);
  process.stdout.write(`${JSON.stringify(now, null, 2)}\n`);
  return 0;
};

function done(job: (client: Client, signal: AbortSignal) => Promise<void>): Job {
  return async (client, signal) => {
    await job(client, signal);
    return 0;
  };
}
