import { parseArgs } from "node:util";
import { packageVersion } from "./assets.ts";
import { startClient } from "./cli/client.ts";
import { demo } from "./cli/demo.ts";
import { toFailure } from "./cli/failure.ts";
import { listModels, pullModel } from "./cli/models.ts";
import { jsonPrinter, type Printer } from "./cli/printer.ts";
import { toRequest } from "./cli/request.ts";
import { runOnce } from "./cli/run.ts";
import { SETTING_FLAGS, settingsFrom } from "./cli/settings.ts";
import { textPrinter } from "./cli/textPrinter.ts";
import { TandemError } from "./errors.ts";
import { status } from "./protocol/requests.ts";

const HELP = `tandem: coding help from your own models

  tandem run [--action A] [--file F [--range L:C-L:C]] [--apply] [--json] "instruction"
      A: docstring explain refactor fix test implement ask; without it the instruction is classified.
      Without --range the function is found by its name in the instruction. Without --apply the diff is only shown.
  tandem models [--json]           what there is, what fits this machine
  tandem models pull MODEL         fetch one
  tandem status                    engines, as JSON
  tandem help | version

  Where models run (flags win over variables; see the README):
  --model M           auto, a model of the catalogue, or file:PATH of any GGUF     TANDEM_DRAFT_MODEL
  --endpoint URL      an OpenAI-compatible server instead                          TANDEM_DRAFT_ENDPOINT, TANDEM_DRAFT_API_KEY
  --device D          auto, cpu, cuda:0, vulkan:0, metal                           TANDEM_DRAFT_DEVICE
  --audit-model, --audit-endpoint, --audit-device: the same for the auditor        TANDEM_AUDIT_...
  --audit W           complex, always, never                                       TANDEM_AUDIT_WHEN
  --max-tokens N      ceiling of one draft                                         TANDEM_MAX_TOKENS
  --timeout S         ceiling of one task in seconds, at most 300                  TANDEM_TIMEOUT
  --verbose           the orchestrator's log on stderr                             TANDEM_LOG_LEVEL
  Models are kept in TANDEM_CACHE, else in the user's cache folder.
`;

const OPTIONS = {
  ...SETTING_FLAGS,
  action: { type: "string" },
  file: { type: "string" },
  range: { type: "string" },
  apply: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean" },
  version: { type: "boolean" },
} as const;

type Values = ReturnType<typeof read>["values"];

function read(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
}

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = read(args);
  const [command, ...words] = positionals;
  if (values.version || command === "version") return say(`${packageVersion}\n`);
  if (values.help || command === "help" || command === undefined) return say(HELP);
  const printer = values.json ? jsonPrinter(process.stdout) : textPrinter(process.stdout);
  try {
    return await dispatch(command, words, values, printer, signal);
  } catch (error) {
    printer.failure(
      signal.aborted ? { code: "cancelled", message: "Stopped", nextStep: "Nothing was changed" } : toFailure(error),
    );
    return signal.aborted ? 130 : 1;
  }
}

async function dispatch(
  command: string,
  words: readonly string[],
  values: Values,
  printer: Printer,
  signal: AbortSignal,
): Promise<number> {
  if (!["run", "demo", "models", "status"].includes(command))
    throw new TandemError("bad-input", `There is no command "${command}"`, "See `tandem help`");
  const settings = settingsFrom(values, process.env);
  const request = command === "run" ? await toRequest({ ...values, instruction: words.join(" ") }) : null;
  await using client = await startClient(settings, values.verbose === true);
  if (request) return (await runOnce(request, client, printer, values.apply === true, signal)).exitCode;
  if (command === "demo") return await demo(client, process.stdout, signal);
  if (command === "status")
    return say(`${JSON.stringify(await client.send(status, {}, () => undefined, signal), null, 2)}\n`);
  const [verb, model] = words;
  if (verb === undefined) await listModels(client, process.stdout, values.json === true, signal);
  else if (verb === "pull" && model !== undefined) await pullModel(model, client, process.stdout, signal);
  else
    throw new TandemError(
      "bad-input",
      `There is no command "models ${words.join(" ")}"`,
      "Use `tandem models` or `tandem models pull MODEL`",
    );
  return 0;
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** npm forwards a Ctrl-C that the terminal has sent to this process already: both are one. */
const SAME_SIGNAL_MS = 1_000;

/** The first signal stops the work in order; a second one does not wait. */
function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  let firstMs = 0;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      const nowMs = performance.now();
      if (!stop.signal.aborted) firstMs = nowMs;
      else if (nowMs - firstMs > SAME_SIGNAL_MS) process.exit(130);
      stop.abort();
    });
  return stop.signal;
}

const args = process.argv.slice(2);
try {
  process.exitCode = await main(args, stopOnSignal());
} catch (error) {
  // Options that cannot be read: whoever asked for JSON gets JSON.
  const failure = {
    code: "bad-input",
    message: error instanceof Error ? error.message : String(error),
    nextStep: "See `tandem help`",
  };
  (args.includes("--json") ? jsonPrinter(process.stdout) : textPrinter(process.stderr)).failure(failure);
  process.exitCode = 1;
}
