import { stripVTControlCharacters } from "node:util";

export interface Tally {
  readonly passed: number;
  /** What did not run to its end, or was left out, has failed. */
  readonly failed: number;
}

const HOST = /^(\d+) passed, (\d+) failed$/;
const NODE = /^(?:ℹ|#) (pass|fail|cancelled|skipped|todo) (\d+)$/;

/** How many tests passed, from the summary a runner ends with: Node's (spec or TAP) or our own line. Null: it has none. */
export function tallyOf(output: string): Tally | null {
  const lines = stripVTControlCharacters(output).split(/\r?\n/);
  const own = lines.map((it) => HOST.exec(it)).findLast((it) => it !== null);
  if (own) return { passed: Number(own[1]), failed: Number(own[2]) };
  const counts = new Map<string, number>();
  for (const line of lines) {
    const [, name, count] = NODE.exec(line) ?? [];
    if (name !== undefined) counts.set(name, Number(count));
  }
  if (!counts.has("pass")) return null;
  const of = (name: string) => counts.get(name) ?? 0;
  return { passed: of("pass"), failed: of("fail") + of("cancelled") + of("skipped") + of("todo") };
}

/** The verdict on one runner: one that ran nothing, or that failed without saying which test, is a failure itself. */
export function verdictOn(exitCode: number, output: string): Tally {
  const tally = tallyOf(output) ?? { passed: 0, failed: 0 };
  const isSilentFailure = tally.failed === 0 && (exitCode !== 0 || tally.passed === 0);
  return isSilentFailure ? { ...tally, failed: 1 } : tally;
}
