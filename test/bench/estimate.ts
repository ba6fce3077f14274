// How far estimates are from what a real llama-server says that it has allocated: `node test/bench/estimate.ts [PART OF A NAME]`. The models are the trial
// model itself and files that have other models' shapes and nothing in them; buffers are the processor's. Large files take a while to
// be mapped.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorOf, estimateAgainst, type Loaded, sumOf } from "../setup/estimateAgainst.ts";
import { ensureLlamaServer } from "../setup/llamaBuild.ts";
import { modelShapes, qwen32b } from "../setup/modelShapes.ts";
import { writeSparseModel } from "../setup/sparseModel.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";

const wanted = (process.argv[2] ?? "").toLowerCase();
const never = new AbortController().signal;
const say = (line: string) => void process.stderr.write(`${line}\n`);
const program = await ensureLlamaServer(say, never);
const folder = await mkdtemp(join(tmpdir(), "tandem-estimate-"));
const loads: readonly Loaded[] = [512, 2_048, 8_192].flatMap((contextTokens) =>
  (["f16", "q8_0"] as const).map((keyType) => ({ contextTokens, keyType, flashAttention: "on" as const })),
);
const withoutFlash: Loaded = { contextTokens: 2_048, keyType: "f16", flashAttention: "off" };
const worst = { on: 0, off: 0 };
const columns = [34, 7, 5, 6, 10, 10, 8, 10, 9];
const row = (cells: readonly (string | number)[]) =>
  console.log(
    cells.map((it, nth) => (nth === 0 ? String(it).padEnd(34) : String(it).padStart(columns[nth] ?? 8))).join(" "),
  );

row(["model", "context", "KV", "flash", "estimated", "real MiB", "error", "compute", "error"]);
const own = "TinyLlama 1.1B, itself";
if (own.toLowerCase().includes(wanted)) await measure(own, (await ensureTinyLlama(say, never)).path);
const path = join(folder, "model.gguf");
try {
  for (const shape of [...Object.values(modelShapes), qwen32b]) {
    if (!shape.name.toLowerCase().includes(wanted)) continue;
    await writeSparseModel(path, shape);
    await measure(shape.name, path);
    await rm(path);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`\nWorst error of a sum: ${percent(worst.on)} with flash attention, ${percent(worst.off)} without.`);

async function measure(name: string, model: string): Promise<void> {
  for (const loaded of [...loads, withoutFlash]) {
    const { plan, expected, real } = await estimateAgainst(program, { path: model, loaded }, never);
    const error = errorOf(sumOf(expected), sumOf(real));
    const { flashAttention: flash } = plan;
    if (Math.abs(error) > Math.abs(worst[flash])) worst[flash] = error;
    const sums = [sumOf(expected).toFixed(1), sumOf(real).toFixed(1), percent(error)];
    const compute = [real.compute.toFixed(1), percent(errorOf(expected.compute, real.compute))];
    row([name, plan.contextTokens, plan.keyType, flash, ...sums, ...compute]);
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
