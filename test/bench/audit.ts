// What the audit costs: `npm run bench:audit`. First the source document's rates and ten others, through the main job's own code on scripted
// engines in virtual time, beside the least that was possible and what one after the other takes; then how wrong guesses change that; then
// two real engines on this machine; then how far verdicts on parts agree with those on whole drafts. Fails when a bar is missed.
import { type Rigged, rig } from "../server/auditRig.ts";
import { agreementTable } from "./agreement.ts";
import { PAIRS, SOURCE } from "./auditRates.ts";
import { realTable } from "./auditReal.ts";

/** The source document's total, draft and audit one after the other with models that are swapped: 19.25 s, 23.84 s, and 2.03 s besides. */
const SOURCE_TOTAL = 45.12;
/** What of that is neither the draft nor reading and verdict: unloading, loading, a cold prompt. */
const SWAP = SOURCE_TOTAL - SOURCE.draft - SOURCE.audit - SOURCE.fixed;
const MOST_OVER_LEAST = 1.03;
const MOST_SECONDS = 20.3;
const LEAST_SPEEDUP = 2.2;

const failures: string[] = [];
out(
  "Scripted engines, virtual time. D, A, h: seconds to write, to read for the audit, and per verdict. T: with the final pass.",
);
out(row(["", "D", "A", "h", "T", "least", "T/least", "parts", "overlap", "swap", "x", "1 GPU", "x", "2 GPUs", "x"]));
for (const [name, rates] of [["source document", SOURCE] as const, ...PAIRS]) {
  const made = await rig(rates);
  const { seconds, least } = made;
  // One after the other on one GPU or two: the same, since one waits for the other; through the same code, which audits afterwards.
  const after = (await rig(rates, { isShared: true })).seconds;
  const swap = rates === SOURCE ? SOURCE_TOTAL : after + SWAP;
  const cells = [
    ...cellsOf(made),
    ...[swap, after, after].flatMap((it) => [it.toFixed(2), `${(it / seconds).toFixed(2)}x`]),
  ];
  out(row([name, rates.draft, rates.audit, rates.fixed, ...cells]));
  if (seconds > least * MOST_OVER_LEAST)
    failures.push(`${name}: ${seconds.toFixed(2)} s, and ${least.toFixed(2)} s was possible`);
  if (rates === SOURCE && (seconds > MOST_SECONDS || SOURCE_TOTAL / seconds < LEAST_SPEEDUP))
    failures.push(`the source document's rates take ${seconds.toFixed(2)} s`);
}

out("\nT/least where guesses are wrong, median and worst of five drafts each");
const guesses = [
  ["none", {}],
  ["expected half as long", { length: 0.5 }],
  ["expected twice as long", { length: 2 }],
  ["engines known 0.6 times as fast", { speed: 0.6 }],
  ["engines known 1.6 times as fast", { speed: 1.6 }],
  ["every step varies by 30 %", { noise: 0.3 }],
] as const;
out(row(["wrong", ...["source", ...PAIRS.map(([name]) => name)].map((it) => it.slice(0, 11))], 13));
for (const [name, options] of guesses) {
  const cells: string[] = [];
  for (const rates of [SOURCE, ...PAIRS.map(([, it]) => it)]) {
    const ratios: number[] = [];
    for (let seed = 1; seed <= 5; seed++) {
      const { seconds, least } = await rig(rates, { ...options, seed });
      ratios.push(seconds / least);
    }
    ratios.sort((a, b) => a - b);
    cells.push(`${ratios[2]?.toFixed(3)} ${ratios[4]?.toFixed(3)}`);
  }
  out(row([name, ...cells], 13));
}

out(`\n${await realTable()}`);
out(`\n${await agreementTable()}`);
for (const it of failures) process.stderr.write(`${it}\n`);
if (failures.length > 0) process.exitCode = 1;

function cellsOf({ seconds, least, ends, timing }: Rigged): (string | number)[] {
  return [
    seconds.toFixed(2),
    least.toFixed(2),
    (seconds / least).toFixed(3),
    ends.length,
    timing.overlap?.toFixed(2) ?? "-",
  ];
}

function row(cells: readonly (string | number)[], width = 9): string {
  const [first, ...rest] = cells;
  return `${String(first).padEnd(34)}${rest.map((it) => String(it).padStart(width)).join("")}`;
}

function out(line: string): void {
  process.stdout.write(`${line}\n`);
}
