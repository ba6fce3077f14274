// A program that prints what nvidia-smi prints. Its first argument is a JSON file with a `Script`; the rest is what nvidia-smi is given.
// The texts follow the tool as its documentation and public reports describe it; no real one has been compared with them yet.
import { appendFileSync, readFileSync } from "node:fs";

export interface Script {
  /** A line for each card; with `-lms` once per period. */
  readonly cards?: readonly (readonly string[])[];
  readonly processes?: readonly string[];
  readonly listed?: string;
  /** Fields this driver does not know. */
  readonly unknown?: readonly string[];
  /** What it ends with instead, or (with `afterLists`) in the end. */
  readonly failure?: { readonly text: string; readonly code: number };
  readonly afterLists?: number;
  /** `hang`: prints no more; `garbage`: prints no readings; `partial`: stops in the middle of a line. */
  readonly ending?: "hang" | "garbage" | "partial" | "exit";
  /** Each start adds a line here: its process and what it was asked. */
  readonly startsPath: string;
}

const [, , path = "", ...args] = process.argv;
const script: Script = JSON.parse(readFileSync(path, "utf8"));
const asked = args.find((it) => it.startsWith("--query-")) ?? args[0] ?? "";
appendFileSync(script.startsPath, `${JSON.stringify({ pid: process.pid, asked })}\n`);

if (asked === "-L") say(script.listed ?? "");
else if (asked.startsWith("--query-compute-apps")) serve(() => (script.processes ?? []).join("\n"), "apps");
else serveCards(asked.replace("--query-gpu=", "").split(","));

function serveCards(fields: readonly string[]): void {
  const unknown = fields.find((it) => script.unknown?.includes(it));
  if (unknown !== undefined) fail(`Field "${unknown}" is not a valid field to query.\n`, 2);
  else if (script.failure && script.afterLists === undefined) fail(script.failure.text, script.failure.code);
  else serve(() => (script.cards ?? []).map((row) => pick(row, fields)).join("\n"), "cards");
}

/** Cards are written as `field=value`. */
function pick(row: readonly string[], fields: readonly string[]): string {
  const values = new Map(row.map((it) => [it.slice(0, it.indexOf("=")), it.slice(it.indexOf("=") + 1)]));
  return fields.map((it) => values.get(it) ?? "[N/A]").join(", ");
}

function serve(text: () => string, what: "apps" | "cards"): void {
  const loop = args.indexOf("-lms");
  if (what === "cards" && script.afterLists === 0) {
    end();
    return;
  }
  say(`${text()}\n`);
  if (loop < 0) return;
  let lists = 1;
  const timer = setInterval(
    () => {
      if (what === "cards" && lists++ === script.afterLists) {
        clearInterval(timer);
        end();
      } else say(`${text()}\n`);
    },
    Number(args[loop + 1]),
  );
}

function end(): void {
  if (script.failure) fail(script.failure.text, script.failure.code);
  switch (script.ending) {
    case "garbage":
      setInterval(() => say("\u0000\u0001 lorem, ipsum\n"), 5);
      return;
    case "hang":
      setInterval(() => undefined, 1_000);
      return;
    case "partial":
      say("0, GPU-aaaa, NVIDIA GeForce");
      return;
    default:
      return;
  }
}

function say(text: string): void {
  process.stdout.write(text.replace(/^\n$/, ""));
}

function fail(text: string, code: number): void {
  process.exitCode = code;
  say(text);
}
