// How right, how sure and how fast free text is understood: `npm run bench:classify [-- FILE.jsonl ...]`. Beside the families that were
// never learnt, files of labelled requests ({"instruction", "action"} per line) can be given. Ends with 1 when a bar is missed.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { ACTIONS, cueShares } from "../../server/core/classify/cueScores.ts";
import { logits, softmax } from "../../server/core/classify/linear.ts";
import { read } from "../../server/core/classify/reading.ts";
import { classify } from "../../server/core/classify.ts";
import { type Example, readCorpus } from "../../training/classifier/corpus.ts";
import { type FitOptions, featuresFor, OPTIONS } from "../../training/classifier/fit.ts";
import {
  abstention,
  accuracy,
  calibrationError,
  confusion,
  type Judged,
  wilson,
} from "../../training/classifier/measure.ts";
import { trainedModel, weightsFile } from "../../training/classifier/train.ts";

const Labelled = z.object({ instruction: z.string(), action: z.enum(ACTIONS) });
const BAR = { share: 0.9, p99Us: 200 };
const TIMED = 20_000;
const WARMUP = 5_000;
const WEIGHTS = join(import.meta.dirname, "../../server/core/classify/weights.ts");

type Asked = Pick<Example, "instruction" | "action" | "errorCount">;
type Judge = (asked: Asked) => Omit<Judged, "example">;

const say = (text = "") => void process.stdout.write(`${text}\n`);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function main(files: readonly string[]): number {
  const heldOut = readCorpus("heldout");
  const samples = [
    { name: `held-out families (${new Set(heldOut.map((it) => it.family)).size})`, asked: heldOut as readonly Asked[] },
    ...files.map((file) => ({ name: basename(file), asked: readLabelled(file) })),
  ];
  const judges: readonly (readonly [string, Judge])[] = [
    ["cue list alone", byCues],
    ["linear alone", byModel({ ...OPTIONS, cues: "without" })],
    ["both: the product", byProduct],
  ];
  const shares = samples.map(({ name, asked }) => {
    say(`\n${name}: ${asked.length} requests`);
    const judged = judges.map(([judge, ask]) => [judge, asked.map((it) => ({ example: it, ...ask(it) }))] as const);
    for (const [judge, answers] of judged) showAccuracy(judge, answers);
    const own = judged[2]?.[1] ?? [];
    showConfusion(own);
    showAbstention(asked.map((it) => ({ example: it, ...byLikeliest(it) })));
    return accuracy(own).share;
  });
  const p99Us = showTimes(heldOut);
  const isSame = weightsFile() === readFileSync(WEIGHTS, "utf8");
  say(`\ntrained again: ${isSame ? "the same bytes as the committed weights" : "NOT the committed weights"}`);
  return isSame && p99Us < BAR.p99Us && shares.every((it) => it >= BAR.share) ? 0 : 1;
}

function readLabelled(file: string): Asked[] {
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((it) => ({ ...Labelled.parse(JSON.parse(it)), errorCount: 0 }));
}

function byProduct({ instruction, errorCount }: Asked) {
  return classify({ action: null, instruction, targetLines: 10, errorCount });
}

/** The strongest cues win; none of them: a question. */
function byCues({ instruction }: Asked) {
  const shares = cueShares(read(instruction).plain);
  const confidence = Math.max(...shares);
  return { action: confidence < 0.25 ? ("ask" as const) : actionAt(shares.indexOf(confidence)), confidence };
}

function byModel(options: FitOptions): Judge {
  const model = trainedModel(options);
  return (asked) => {
    const shares = softmax(logits(model, featuresFor(asked, options)));
    const confidence = Math.max(...shares);
    return { action: actionAt(shares.indexOf(confidence)), confidence };
  };
}

/** Without the safe route, so that every threshold can be judged. */
const byLikeliest: Judge = byModel(OPTIONS);

function actionAt(index: number) {
  return ACTIONS[index] ?? "ask";
}

function showAccuracy(name: string, judged: readonly Judged[]): void {
  const { right, all, share } = accuracy(judged);
  const [low, high] = wilson(right, all);
  const error = calibrationError(judged).toFixed(3);
  say(
    `  ${name.padEnd(18)} ${right}/${all} = ${percent(share)} (95 %: ${percent(low)} to ${percent(high)}), ECE ${error}`,
  );
}

function showConfusion(judged: readonly Judged[]): void {
  say(`  asked for \\ read  ${ACTIONS.map((it) => it.slice(0, 6).padStart(7)).join("")}`);
  for (const [index, row] of confusion(judged).entries())
    say(`  ${actionAt(index).padEnd(18)}${row.map((it) => String(it || ".").padStart(7)).join("")}`);
}

function showAbstention(judged: readonly Judged[]): void {
  say("  threshold  decided   right  edited wrongly  right in the tenth below");
  for (const it of abstention(judged, [0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9])) {
    const below = it.rightBelow === null ? "-" : percent(it.rightBelow);
    say(
      `  ${it.threshold.toFixed(2).padEnd(10)}${percent(it.decided).padStart(8)}${percent(it.right).padStart(8)}${percent(it.wrongEdits).padStart(16)}${below.padStart(26)}`,
    );
  }
}

/** Microseconds of one decision; answers with the 99th percentile of the product's. */
function showTimes(asked: readonly Asked[]): number {
  const paste = `explain why this is slow\n\n${"const total = rows.reduce((sum, it) => sum + it.price, 0);\n".repeat(2_000)}`;
  const mixed: Asked[] = [...asked, { instruction: paste, action: "explain", errorCount: 1 }];
  say("\nmicroseconds per decision       p50     p99    p99.9");
  const cues = timed("  cue list alone", mixed, byCues);
  const product = timed("  both: the product", mixed, byProduct);
  timed("  the longest paste", mixed.slice(-1), byProduct);
  say(`  ${(product.p50 / cues.p50).toFixed(1)} times the cue list's median; bar: p99 below ${BAR.p99Us}`);
  return product.p99;
}

function timed(name: string, asked: readonly Asked[], judge: Judge): { p50: number; p99: number } {
  const times = new Float64Array(TIMED);
  for (let index = -WARMUP; index < TIMED; index++) {
    const it = asked[(index + WARMUP) % asked.length];
    if (!it) continue;
    const startedMs = performance.now();
    judge(it);
    if (index >= 0) times[index] = (performance.now() - startedMs) * 1_000;
  }
  times.sort();
  const at = (share: number) => times[Math.floor(TIMED * share)] ?? 0;
  const shown = [at(0.5), at(0.99), at(0.999)].map((it) => it.toFixed(0).padStart(8)).join("");
  say(`${name.padEnd(27)}${shown}`);
  return { p50: at(0.5), p99: at(0.99) };
}

process.exitCode = main(process.argv.slice(2));
