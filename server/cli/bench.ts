import { TandemError } from "../errors.ts";
import { type BenchEvent, type Benchmark, BenchParams, bench, benchmarks, type Spread } from "../protocol/benchmark.ts";
import type { Client } from "./client.ts";
import type { Out, Printer } from "./printer.ts";
import { align } from "./table.ts";
import { seconds } from "./wording.ts";

export const BENCH_FLAGS = {
  prompts: { type: "string" },
  tokens: { type: "string" },
  repetitions: { type: "string" },
  "keep-loaded": { type: "boolean" },
  stored: { type: "boolean" },
} as const;

/** As node:util reads them. */
export interface BenchValues {
  readonly prompts?: string | undefined;
  readonly tokens?: string | undefined;
  readonly repetitions?: string | undefined;
  readonly "keep-loaded"?: boolean | undefined;
}

/** What the arguments ask for. Throws TandemError bad-input that names the flag. */
export function toBench(models: readonly string[], values: BenchValues): BenchParams {
  const read = BenchParams.safeParse({
    models: [...models],
    ...(values.prompts === undefined ? {} : { promptTokens: values.prompts.split(",").map(numberOf) }),
    ...(values.tokens === undefined ? {} : { completionTokens: numberOf(values.tokens) }),
    ...(values.repetitions === undefined ? {} : { repetitions: numberOf(values.repetitions) }),
    load: values["keep-loaded"] === true ? "leave" : "measure",
  });
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const field = String(issue?.path[0] ?? "");
  const flag = FLAGS[field] ?? field;
  throw new TandemError(
    "bad-input",
    `${flag}: ${issue?.message ?? "not valid"}`,
    "`tandem help bench` tells the bounds",
  );
}

const FLAGS: Readonly<Record<string, string>> = {
  models: "MODEL",
  promptTokens: "--prompts",
  completionTokens: "--tokens",
  repetitions: "--repetitions",
};

/** What is no number is refused by the contract. */
function numberOf(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

export interface BenchShown {
  readonly out: Out;
  readonly printer: Printer;
  readonly isJson: boolean;
}

/** Measures, and shows how far it is; in JSON each event on a line and then the result. */
export async function runBench(params: BenchParams, client: Client, shown: BenchShown, signal: AbortSignal) {
  const { out, printer, isJson } = shown;
  const line = (value: unknown) => void out.write(`${JSON.stringify(value)}\n`);
  const told = new Set<string>();
  const hear = (event: BenchEvent) => {
    if (event.kind === "notice") told.add(event.message);
    if (isJson) line(event);
    else if (event.kind === "measuring")
      out.write(`${`${event.nth}/${event.of}`.padEnd(11)} ${event.engine}: ${event.what}\n`);
    else if (event.kind !== "benchmarked") printer.event(event);
  };
  const result = await client.send(bench, params, hear, signal);
  if (isJson) line({ kind: "result", result });
  else out.write(`\n${benchTable(result.benchmarks, told)}`);
}

/** What was measured before. */
export async function showStored(client: Client, { out, isJson }: BenchShown, signal: AbortSignal): Promise<void> {
  const stored = await client.send(benchmarks, {}, () => undefined, signal);
  if (isJson) out.write(`${JSON.stringify(stored)}\n`);
  else if (stored.benchmarks.length === 0) out.write("Nothing was measured yet. `tandem bench` measures\n");
  else out.write(benchTable(stored.benchmarks));
}

/** One line for each measurement, as llama-bench has them; then what holds for the whole, and notices that were not `told` before. */
export function benchTable(found: readonly Benchmark[], told: ReadonlySet<string> = new Set()): string {
  const rows = found.flatMap((it) => {
    const name = [it.model.label, it.backend, it.device];
    return [
      ...it.prompts.map((p) => [
        ...name,
        readText(p),
        rate(p.prefillPerSecond),
        `${seconds(p.ttftMs.median)} to the first token`,
      ]),
      ...(it.decode ? [[...name, `write ${it.decode.completionTokens}`, rate(it.decode.perSecond), ""]] : []),
      ...it.batches.map((b) => [...name, `${b.requests} at once`, rate(b.tokensPerSecond), ""]),
    ];
  });
  const lines = align([["model", "engine", "device", "test", "tokens/s", ""], ...rows]);
  const rest = found.flatMap((it) => [
    `${it.model.label}: ${loadText(it)}`,
    ...[...new Set(it.notices)].filter((notice) => !told.has(notice)).map((notice) => `${it.model.label}: ${notice}`),
  ]);
  return `${[...lines, "", ...rest].join("\n")}\n`;
}

function readText({ promptTokens, askedTokens }: Benchmark["prompts"][number]): string {
  const isAsAsked = askedTokens === undefined || askedTokens === promptTokens;
  return `read ${promptTokens}${isAsAsked ? "" : ` (asked for ${askedTokens})`}`;
}

function loadText({ load }: Benchmark): string {
  const first = load.firstMs === null ? "was loaded already" : `loaded in ${seconds(load.firstMs)}`;
  return `${first}; ${load.againMs === null ? `not loaded again: ${load.why}` : `again in ${seconds(load.againMs)}`}`;
}

function rate({ median, least, most, samples }: Spread): string {
  const digits = median < 100 ? 1 : 0;
  const half = (most - least) / 2;
  return samples === 1 ? median.toFixed(digits) : `${median.toFixed(digits)} ± ${half.toFixed(digits)}`;
}
