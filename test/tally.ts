import { stripVTControlCharacters } from "node:util";
import { NOT_HERE } from "./setup/only.ts";

export interface Tally {
  readonly passed: number;
  /** What did not run to its end, or was left out without a reason that counts, has failed. */
  readonly failed: number;
  /** Cannot be on this machine, and said so. */
  readonly notHere: number;
}

/** Nothing ran. */
export const NONE: Tally = { passed: 0, failed: 0, notHere: 0 };

const HOST = /^(\d+) passed, (\d+) failed$/;
const NODE = /^(?:ℹ|#) (pass|fail|cancelled|skipped|todo) (\d+)$/;
/** A test that was left out, as Node prints it in spec or TAP. */
const LEFT_OUT = new RegExp(`^\\s*(?:﹣|ok \\d+ -) .* # (?:SKIP )?${NOT_HERE}`);

/** How many tests passed, from the summary a runner ends with: Node's (spec or TAP) or our own line. Null: it has none. */
export function tallyOf(output: string): Tally | null {
  const lines = stripVTControlCharacters(output).split(/\r?\n/);
  const own = lines.map((it) => HOST.exec(it)).findLast((it) => it !== null);
  if (own) return { passed: Number(own[1]), failed: Number(own[2]), notHere: 0 };
  const counts = new Map<string, number>();
  for (const line of lines) {
    const [, name, count] = NODE.exec(line) ?? [];
    if (name !== undefined) counts.set(name, Number(count));
  }
  if (!counts.has("pass")) return null;
  const of = (name: string) => counts.get(name) ?? 0;
  const notHere = Math.min(of("skipped"), lines.filter((it) => LEFT_OUT.test(it)).length);
  const failed = of("fail") + of("cancelled") + of("skipped") + of("todo") - notHere;
  return { passed: of("pass"), failed, notHere };
}

/** The verdict on one runner: one that ran nothing, or that failed without saying which test, is a failure itself. */
export function verdictOn(exitCode: number, output: string): Tally {
  const tally = tallyOf(output) ?? NONE;
  const isSilentFailure = tally.failed === 0 && (exitCode !== 0 || tally.passed === 0);
  return isSilentFailure ? { ...tally, failed: 1 } : tally;
}
