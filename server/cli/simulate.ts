import { compare } from "../core/simulate/compare.ts";
import { SCENARIOS } from "../core/simulate/scenarios.ts";
import { TandemError } from "../errors.ts";
import type { Out } from "./printer.ts";
import { tableOf } from "./simulateTable.ts";
import { readTrace } from "./simulateTrace.ts";
import { alignFolded } from "./table.ts";

interface Flags {
  readonly list?: boolean | undefined;
  readonly trace?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** What is to be simulated, or told of what could be. */
export type Simulation =
  | { readonly kind: "list"; readonly isJson: boolean }
  | { readonly kind: "trace"; readonly name: string }
  | { readonly kind: "run"; readonly name: string; readonly isJson: boolean };

/** Throws TandemError bad-input. */
export function toSimulation(words: readonly string[], { list, trace, json }: Flags): Simulation {
  const [name] = words;
  const isJson = json === true;
  if (list === true && words.length === 0 && trace !== true) return { kind: "list", isJson };
  if (name === undefined || words.length > 1 || list === true)
    throw new TandemError(
      "bad-input",
      "`simulate` takes one trace, by its name or as a file",
      "`tandem simulate --list` names those that come with Tandem",
    );
  return trace === true ? { kind: "trace", name } : { kind: "run", name, isJson };
}

/** Longer lines of words are hard to read, in a file too. */
const MOST_COLUMNS = 110;

/** Drives the governor through a trace and says what it did. Nothing is started for it, and nothing is loaded. */
export async function showSimulation(simulation: Simulation, out: Out, signal: AbortSignal): Promise<void> {
  if (simulation.kind === "list") {
    const all = [...SCENARIOS].map(([name, make]) => ({ name, about: make().about }));
    out.write(
      simulation.isJson
        ? `${JSON.stringify(all)}\n`
        : `${alignFolded(
            all.map(({ name, about }) => [name, about]),
            // Programs read it by lines.
            out.columns ?? Number.POSITIVE_INFINITY,
          ).join("\n")}\n`,
    );
    return;
  }
  const trace = await readTrace(simulation.name, signal);
  if (simulation.kind === "trace") {
    out.write(`${JSON.stringify(trace, null, 2)}\n`);
    return;
  }
  const comparison = compare(trace);
  out.write(
    simulation.isJson
      ? `${JSON.stringify(comparison)}\n`
      : tableOf(comparison, Math.min(out.columns ?? MOST_COLUMNS, MOST_COLUMNS)),
  );
}
