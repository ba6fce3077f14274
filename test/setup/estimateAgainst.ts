import { estimate, type Terms } from "../../server/core/estimate.ts";
import { toEstimatedModel } from "../../server/core/estimateModel.ts";
import { DEFAULT_PLAN, type LoadPlan } from "../../server/core/estimatePlan.ts";
import { readGgufModel } from "../../server/models/ggufModel.ts";
import { type Buffers, measureBuffers } from "./llamaBuffers.ts";
import type { ModelShape } from "./sparseModel.ts";

const MEBIBYTE = 1024 ** 2;

export type Loaded = Pick<LoadPlan, "contextTokens" | "keyType" | "flashAttention"> & Partial<LoadPlan>;

/** What was estimated and what a real llama-server said, both on the processor, in MiB. */
export interface Compared {
  readonly plan: LoadPlan;
  readonly expected: Buffers;
  readonly real: Buffers;
}

export async function estimateAgainst(
  program: string,
  { path, loaded }: { readonly path: string; readonly loaded: Loaded },
  signal: AbortSignal,
): Promise<Compared> {
  const plan: LoadPlan = { ...DEFAULT_PLAN, valueType: loaded.keyType, gpus: [], ...loaded };
  const model = toEstimatedModel(await readGgufModel(path, signal));
  if ("kind" in model) throw new Error(model.message);
  const terms = estimate(model, plan).devices.find((it) => it.device === "cpu")?.terms;
  if (!terms) throw new Error("main memory is always estimated");
  const real = await measureBuffers(program, { model: path, args: argumentsOf(plan) }, signal);
  return { plan, expected: asBuffers(terms), real };
}

/** How far off, as a share of what is real. */
export function errorOf(expected: number, real: number): number {
  return expected / real - 1;
}

export function sumOf(buffers: Buffers): number {
  return Object.values(buffers).reduce((total, it) => total + it, 0);
}

/** The same model with its first layers alone: its buffers are found as the whole one's, in a file that is mapped in no time. */
export function firstLayers(shape: ModelShape, count: number): ModelShape {
  const { metadata, tensors } = shape;
  const key = Object.keys(metadata).find((it) => it.endsWith(".block_count"));
  if (key === undefined) throw new Error(`${shape.name} has no layers`);
  return {
    name: `${shape.name}, ${count} layers of it`,
    metadata: { ...metadata, [key]: { kind: "uint32", value: count } },
    tensors: tensors.filter(({ name }) => Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? 0) < count),
  };
}

/** The same mixture with so few experts, of which as many work as before. */
export function fewerExperts(shape: ModelShape, count: number): ModelShape {
  const { metadata, tensors } = shape;
  const key = Object.keys(metadata).find((it) => it.endsWith(".expert_count"));
  if (key === undefined) throw new Error(`${shape.name} is no mixture`);
  const isOfExperts = (name: string) => /_exps\.|ffn_gate_inp\.|exp_probs/.test(name);
  return {
    name: `${shape.name}, ${count} experts of it`,
    metadata: { ...metadata, [key]: { kind: "uint32", value: count } },
    tensors: tensors.map((it) =>
      isOfExperts(it.name) ? { ...it, dimensions: [...it.dimensions.slice(0, -1), count] } : it,
    ),
  };
}

function argumentsOf(plan: LoadPlan): string[] {
  return [
    ...["--ctx-size", String(plan.contextTokens), "--parallel", String(plan.slots)],
    ...["--ubatch-size", String(plan.batchTokens), "--flash-attn", plan.flashAttention, "--no-kv-unified"],
    ...["--cache-type-k", plan.keyType, "--cache-type-v", plan.valueType],
  ];
}

function asBuffers({ weights, output, input, keys, values, state, compute, logits }: Terms): Buffers {
  const mebibytes = (bytes: number) => bytes / MEBIBYTE;
  return {
    model: mebibytes(weights + output + input),
    KV: mebibytes(keys + values),
    RS: mebibytes(state),
    compute: mebibytes(compute),
    output: mebibytes(logits),
  };
}
