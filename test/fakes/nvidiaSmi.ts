// A program that prints what nvidia-smi prints. Its first argument is a JSON file with a `Script`; the rest is what nvidia-smi is given.
// No real tool was compared with it on this machine: `npm run check:gpu` does that where there is one. Its texts are those of
// - `man nvidia-smi`: exit codes, "N/A" for what a card does not tell, -lms, -L; `nvidia-smi --help-query-gpu` and
//   `--help-query-compute-apps`: the fields, their units without "nounits", clocks_event_reasons for clocks_throttle_reasons
// - NVIDIA's MIG user guide: the lines of -L for instances, by uuid and in the form of drivers before 470
// - public reports: a lost card is a line beside the rows that are left, with exit code 0 while another card answers ("Unable to
//   determine the device handle for GPU3: 0000:04:00.0: Unknown Error"), "[GPU is lost]" and "[GPU requires reset]" in a row's
//   cells, "[Insufficient Permissions]" for memory under MIG in containers and for names, "[Not Found]" for names in containers,
//   "[N/A]" for every process's memory on Windows, "WARNING: infoROM is corrupted at gpu 0000:00:04.0" after the rows
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Script {
  /** A line for each card; with `-lms` once per period. */
  readonly cards?: readonly (readonly string[])[];
  readonly processes?: readonly string[];
  /** Said on stderr with each list of cards. */
  readonly complaints?: readonly string[];
  /** As on Windows. */
  readonly lineEnd?: "\r\n";
  readonly listed?: string;
  /** Fields this driver does not know. */
  readonly unknown?: readonly string[];
  /** What it ends with instead, or (with `afterLists`) in the end. */
  readonly failure?: { readonly text: string; readonly code: number };
  readonly afterLists?: number;
  /** `hang`: prints no more; `garbage`: prints no readings; `partial`: stops in the middle of a line; `flood`: readings without pause. */
  readonly ending?: "hang" | "garbage" | "partial" | "exit" | "flood";
  /** A folder in which programs that take memory say so, as `Holder`, in a file named by their process; it counts while they run. */
  readonly holdersPath?: string;
  /** Each start adds a line here: its process and what it was asked. */
  readonly startsPath: string;
}

/** What a fake program takes of a card. */
export interface Holder {
  readonly uuid: string;
  readonly mebibytes: number;
  readonly name: string;
}

const [, , path = "", ...args] = process.argv;
let script = read();
const asked = args.find((it) => it.startsWith("--query-")) ?? args[0] ?? "";
appendFileSync(script.startsPath, `${JSON.stringify({ pid: process.pid, asked })}\n`);

if (asked === "-L") say(script.listed ?? "");
else if (asked.startsWith("--query-compute-apps"))
  serve(() => [...(script.processes ?? []), ...held().map(processLine)].join("\n"), "apps");
else serveCards(asked.replace("--query-gpu=", "").split(","));

/** Anew for every list, so that a driver can change under a tool that runs. */
function read(): Script {
  return JSON.parse(readFileSync(path, "utf8"));
}

function serveCards(fields: readonly string[]): void {
  const unknown = fields.find((it) => script.unknown?.includes(it));
  if (unknown !== undefined) fail(`Field "${unknown}" is not a valid field to query.\n`, 2);
  else serve(() => (script.cards ?? []).map((row) => pick(row, fields)).join("\n"), "cards");
}

/** Cards are written as `field=value`. */
function pick(row: readonly string[], fields: readonly string[]): string {
  const values = new Map(row.map((it) => [it.slice(0, it.indexOf("=")), it.slice(it.indexOf("=") + 1)]));
  const taken = held().filter((it) => it.uuid === values.get("uuid"));
  const used = Number(values.get("memory.used")) + taken.reduce((sum, it) => sum + it.mebibytes, 0);
  if (taken.length > 0) values.set("memory.used", String(used));
  if (taken.length > 0) values.set("memory.free", String(Number(values.get("memory.total")) - used));
  return fields.map((it) => values.get(it) ?? "[N/A]").join(", ");
}

/** Those whose process runs: a driver frees what a killed one had. */
function held(): (Holder & { readonly pid: number })[] {
  const folder = script.holdersPath;
  if (folder === undefined) return [];
  return readdirSync(folder).flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || !runs(pid)) return [];
    return [{ ...(JSON.parse(readFileSync(join(folder, name), "utf8")) as Holder), pid }];
  });
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function processLine({ uuid, pid, mebibytes, name }: ReturnType<typeof held>[number]): string {
  return `${uuid}, ${pid}, ${mebibytes}, ${name}`;
}

function serve(text: () => string, what: "apps" | "cards"): void {
  const loop = args.indexOf("-lms");
  let lists = 0;
  const list = () => {
    if (what === "cards" && (script.afterLists !== undefined ? lists >= script.afterLists : script.failure)) {
      clearInterval(timer);
      return end(text());
    }
    lists++;
    if (what === "cards") for (const it of script.complaints ?? []) process.stderr.write(`${it}\n`);
    say(`${text()}\n`);
  };
  const again = () => {
    script = read();
    list();
  };
  const timer = loop < 0 ? undefined : setInterval(again, Number(args[loop + 1]));
  list();
}

function end(list: string): void {
  if (script.failure) fail(script.failure.text, script.failure.code);
  switch (script.ending) {
    case "garbage":
      setInterval(() => say("\u0000\u0001 lorem, ipsum\n"), 5);
      return;
    case "flood":
      flood(`${list}\n`.repeat(1_000));
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

/** As fast as it is read. */
function flood(text: string): void {
  while (process.stdout.write(text));
  process.stdout.once("drain", () => flood(text));
}

function say(text: string): void {
  const lines = text.replace(/^\n$/, "");
  process.stdout.write(script.lineEnd ? lines.replaceAll("\n", script.lineEnd) : lines);
}

function fail(text: string, code: number): void {
  process.exitCode = code;
  say(text);
}
