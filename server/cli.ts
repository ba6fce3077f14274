import { packageVersion } from "./assets.ts";
import { commands } from "./cli/commands.ts";
import { toFailure } from "./cli/failure.ts";
import { helpText } from "./cli/help.ts";
import { readOptions } from "./cli/options.ts";
import { jsonPrinter } from "./cli/printer.ts";
import { settingsFrom } from "./cli/settings.ts";
import { createSite } from "./cli/site.ts";
import { textPrinter } from "./cli/textPrinter.ts";
import { checkUsage } from "./cli/usage.ts";
import { TandemError } from "./errors.ts";

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = readOptions(args);
  const [name, ...words] = positionals;
  if (values.version || name === "version") return say(`${packageVersion}\n`);
  if (name === "help" || name === undefined) return say(helpText(words[0]));
  if (values.help) return say(helpText(name));
  // What these write to stdout is the text, or the vectors, alone.
  const isQuiet = name === "generate" || name === "embed";
  const forPeople = textPrinter(isQuiet ? process.stderr : process.stdout, process.stderr);
  const printer = values.json ? jsonPrinter(process.stdout) : forPeople;
  try {
    const command = commands.get(name);
    if (!command) throw new TandemError("bad-input", `There is no command "${name}"`, "See `tandem help`");
    checkUsage(name, words, values);
    const settings = settingsFrom(name === "generate" ? { ...values, "max-tokens": undefined } : values, process.env);
    const job = await command({ words, values, printer, out: process.stdout });
    const onLog = values.verbose ? (text: string) => void process.stderr.write(`${text}\n`) : () => undefined;
    await using site = createSite({ settings, onLog }, signal);
    return await job(site, signal);
  } catch (error) {
    const nextStep = name === "models" ? "What was downloaded is kept; run it again to go on" : "Nothing was changed";
    const stopped = { code: "cancelled", message: "Stopped", nextStep };
    printer.failure(signal.aborted ? stopped : toFailure(error));
    return signal.aborted ? 130 : 1;
  }
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

/** As shells count a process that SIGPIPE ended. */
const PIPE_CLOSED = 141;

/** Whoever reads our output may leave early (`| head`): then there is nobody to tell. The orchestrator leaves with us. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(PIPE_CLOSED);
  process.stderr.write(`The output could not be written: ${error.message}\n`);
  process.exit(1);
});

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
