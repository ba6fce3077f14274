import type { GpuReading, Report } from "../core/telemetry.ts";
import { onCard, PROGRAMS, parseProgram } from "./nvidiaPrograms.ts";
import { FIELDS, fieldsWithout, type Instance, lostCard, parseInstances, parseRow } from "./nvidiaRow.ts";
import { gibberish, isRemark, meaningOf, NO_TOOL, parseLost, silence } from "./nvidiaTrouble.ts";
import { type Printed, printed } from "./printed.ts";
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
  /** That no process is listed does not mean that there is none. */
  readonly isHidden?: boolean;
}

/** NVIDIA's GPUs as they are now. Takes `patienceMs` at most, whatever the tool does; never throws. When `signal` fires it gives up at once. */
export async function readNvidiaOnce(
  { tool, patienceMs = PATIENCE_MS, isHidden = false }: OnceDeps,
  signal: AbortSignal,
): Promise<NvidiaOnce> {
  if (!tool) return { gpus: [], instances: [], report: NO_TOOL };
  const enough = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const ask = (args: readonly string[]) => printed([...tool, ...args], enough);
  const asked = await askCards(ask);
  if (asked.answer === "silent") return { gpus: [], instances: [], report: silence(patienceMs / 1_000) };
  const { said, out, code } = asked.answer;
  const { rows, lost, odd } = sorted(out, said, asked.fields);
  if (rows.length === 0 && (code !== 0 || odd === null))
    return { gpus: [], instances: [], report: meaningOf({ code, said: `${out}\n${said}` }) };
  const [programs, listed] = await Promise.all([
    ask([PROGRAMS, CSV]),
    rows.some((it) => it.isPartitioned) ? ask(["-L"]) : null,
  ]);
  const instances = listed && listed !== "silent" ? parseInstances(listed.out) : [];
  return {
    gpus: [
      ...rows.map((it) => ({ ...it, processes: processesOn(it.uuid, { programs, instances, isHidden }) })),
      ...lost,
    ],
    instances,
    report: odd === null ? null : gibberish(odd),
  };
}

/** The lines by what they are: cards, cards that the driver has lost, and the first that is neither. */
function sorted(out: string, said: string, fields: readonly string[]) {
  const lines = out.split(/\r?\n/).filter((it) => it.trim() !== "" && !isRemark(it));
  const rows = lines.map((it) => parseRow(it, fields));
  const lost = [...lines, ...said.split(/\r?\n/)].map(parseLost).filter((it) => it !== null);
  const odd = lines.find((it, nth) => rows[nth] === null && parseLost(it) === null) ?? null;
  return { rows: rows.filter((it) => it !== null), lost: lost.map(lostCard), odd };
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

interface Listed {
  readonly programs: Printed | "silent";
  readonly instances: readonly Instance[];
  readonly isHidden: boolean;
}

function processesOn(uuid: string, { programs, instances, isHidden }: Listed): GpuReading["processes"] {
  if (programs === "silent" || programs.code !== 0) return null;
  const found = programs.out.split(/\r?\n/).map(parseProgram);
  const known = found.filter((it) => it !== null);
  return known.length === 0 && isHidden ? null : onCard(known, uuid, instances);
}
