import { spawn } from "node:child_process";
import type { GpuReading, Report } from "../core/telemetry.ts";
import { parseProgram } from "./nvidia.ts";
import { FIELDS, fieldsWithout, type Instance, parseInstances, parseRow } from "./nvidiaRow.ts";
import { gibberish, meaningOf, NO_TOOL, silence } from "./nvidiaTrouble.ts";
import type { Command } from "./tool.ts";

/** What is read once of all of NVIDIA's GPUs. */
export interface NvidiaOnce {
  readonly gpus: readonly GpuReading[];
  /** What those that are cut into instances (MIG) are cut into. */
  readonly instances: readonly Instance[];
  /** Why there are none, or not all. */
  readonly report: Exclude<Report, { readonly kind: "reading" }> | null;
}

/** A driver that hangs must not keep anybody waiting. */
const PATIENCE_MS = 4_000;
/** A driver so old that it refuses more fields than this one by one is not asked further. */
const MOST_TRIES = 10;
const CSV = "--format=csv,noheader,nounits";

export interface OnceDeps {
  /** nvidia-smi; null when there is none. */
  readonly tool: Command | null;
  readonly patienceMs?: number;
}

/** NVIDIA's GPUs as they are now. Takes `patienceMs` at most, whatever the tool does; never throws. When `signal` fires it gives up at once. */
export async function readNvidiaOnce(
  { tool, patienceMs = PATIENCE_MS }: OnceDeps,
  signal: AbortSignal,
): Promise<NvidiaOnce> {
  if (!tool) return { gpus: [], instances: [], report: NO_TOOL };
  const enough = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const ask = (args: readonly string[]) => printed([...tool, ...args], enough);
  const asked = await askCards(ask);
  if (asked.answer === "silent") return { gpus: [], instances: [], report: silence(patienceMs / 1_000) };
  const { said, out, code } = asked.answer;
  const lines = out.split(/\r?\n/).filter((it) => it.trim() !== "");
  const rows = lines.map((it) => parseRow(it, asked.fields));
  const gpus = rows.filter((it) => it !== null);
  const odd = lines.find((_, nth) => rows[nth] === null);
  if (gpus.length === 0 && (code !== 0 || odd === undefined))
    return { gpus, instances: [], report: meaningOf({ code, said: `${out}\n${said}` }) };
  const [programs, listed] = await Promise.all([
    ask(["--query-compute-apps=gpu_uuid,pid,used_memory,process_name", CSV]),
    gpus.some((it) => it.isPartitioned) ? ask(["-L"]) : null,
  ]);
  return {
    gpus: gpus.map((it) => ({ ...it, processes: processesOn(it.uuid, programs) })),
    instances: listed && listed !== "silent" ? parseInstances(listed.out) : [],
    report: odd === undefined ? null : isTrouble(odd) ? meaningOf({ code, said: odd }) : gibberish(odd),
  };
}

interface Printed {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

type Ask = (args: readonly string[]) => Promise<Printed | "silent">;

/** Once more without each field that this driver does not know. */
async function askCards(ask: Ask): Promise<{ fields: readonly string[]; answer: Printed | "silent" }> {
  let fields = FIELDS;
  for (let tries = 1; ; tries++) {
    const answer = await ask([`--query-gpu=${fields.join(",")}`, CSV]);
    const fewer = answer === "silent" ? null : fieldsWithout(`${answer.out}\n${answer.said}`, fields);
    if (!fewer || tries === MOST_TRIES) return { fields, answer };
    fields = fewer;
  }
}

function processesOn(uuid: string, programs: Printed | "silent"): GpuReading["processes"] {
  if (programs === "silent" || programs.code !== 0) return null;
  return programs.out.split(/\r?\n/).flatMap((line) => {
    const found = parseProgram(line);
    return found?.uuid === uuid ? [{ pid: found.pid, name: found.name, bytes: found.bytes }] : [];
  });
}

function isTrouble(line: string): boolean {
  return /unable to determine|lost|failed|error/i.test(line);
}

const MOST_CHARS = 200_000;

/** What a program prints. One that cannot be ended, since it waits in the kernel, is left behind. */
async function printed([program, ...args]: Command, enough: AbortSignal): Promise<Printed | "silent"> {
  const { promise, resolve } = Promise.withResolvers<Printed | "silent">();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
  let out = "";
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out = (out + text).slice(0, MOST_CHARS)));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(0, MOST_CHARS)));
  child.on("error", (error) => resolve({ code: null, out: "", said: error.message }));
  child.on("close", (code) => resolve({ code, out, said }));
  const giveUp = () => resolve("silent");
  enough.addEventListener("abort", giveUp);
  if (enough.aborted) giveUp();
  const answer = await promise;
  enough.removeEventListener("abort", giveUp);
  if (answer === "silent") {
    child.kill("SIGKILL");
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  }
  return answer;
}
