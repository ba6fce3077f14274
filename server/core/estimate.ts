import { computeBytes, inputBytes } from "./estimateCompute.ts";
import { type LoadPlan, slotTokens, windowCells } from "./estimatePlan.ts";
import { ggmlTypeNamed } from "./ggmlTypes.ts";
import type { EstimatedModel, LayerMemory } from "./memoryShape.ts";

/** What a device must hold, term by term, in bytes. */
export interface Terms {
  readonly weights: number;
  /** The last layer, and what belongs to none. */
  readonly output: number;
  /** The token embedding: never on a GPU. */
  readonly input: number;
  readonly keys: number;
  readonly values: number;
  /** Of recurrent layers. */
  readonly state: number;
  /** What a step of the computation needs in between: the only term that is not exact. */
  readonly compute: number;
  /** The probabilities of the next token, in main memory. */
  readonly logits: number;
  /** The driver's own, once per process and card. */
  readonly driver: number;
  /** A smaller model that drafts ahead, all its terms but the driver's. */
  readonly draft: number;
}

export interface DeviceEstimate {
  /** A GPU's id, or "cpu" for main memory. */
  readonly device: string;
  readonly layers: number;
  readonly terms: Terms;
  readonly totalBytes: number;
}

/** The GPUs as the plan names them, then main memory. */
export interface Estimate {
  readonly devices: readonly DeviceEstimate[];
  readonly totalBytes: number;
  readonly notes: readonly string[];
}

/** What CUDA's context takes in a process; the figure that Ollama reckons with. It is not in the file, so it cannot be exact. */
export const DRIVER_BYTES = 457 * 1024 ** 2;

/** What a model takes on each device, loaded into llama.cpp by this plan. `draft` is loaded by the same plan beside it. */
export function estimate(model: EstimatedModel, plan: LoadPlan, draft: EstimatedModel | null = null): Estimate {
  const beside = draft && estimate(draft, plan);
  const assigned = assign(model, plan);
  const ids = [...plan.gpus.map((it) => it.id), "cpu"];
  const devices = ids.map((device, index) => {
    const isGpu = index < plan.gpus.length;
    const layers = model.layers.filter((_, layer) => assigned.layers[layer] === index);
    const drafted = beside?.devices[index];
    const terms: Terms = {
      ...layerTerms(model, layers, plan),
      ...endTerms(model, plan, { isGpu, hasOutput: assigned.output === index }),
      compute: computeOn(model, plan, { isGpu, isWorking: layers.length > 0 || assigned.output === index, assigned }),
      driver: isGpu ? DRIVER_BYTES : 0,
      draft: drafted ? drafted.totalBytes - drafted.terms.driver : 0,
    };
    return { device, layers: layers.length, terms, totalBytes: sum(Object.values(terms)) };
  });
  const notes = [...model.notes, ...(draft?.notes ?? []).map((it) => `draft model: ${it}`)];
  return { devices, totalBytes: sum(devices.map((it) => it.totalBytes)), notes };
}

interface Assigned {
  /** The index of each layer's GPU; one beyond the last: main memory. */
  readonly layers: readonly number[];
  readonly output: number;
}

/** As `llama_model::load_tensors`: the last layers go to the GPUs in their order, by share. */
function assign(model: EstimatedModel, { gpuLayers, gpus }: LoadPlan): Assigned {
  const count = model.layers.length + 1;
  const wanted = gpus.length === 0 ? 0 : Math.min(gpuLayers === "all" ? count : gpuLayers, count);
  const start = count - wanted;
  const whole = sum(gpus.map((it) => it.share));
  let reached = 0;
  const ends = gpus.map((it) => {
    reached += it.share;
    return Math.fround(reached / whole);
  });
  const all = Array.from({ length: count }, (_, layer) => {
    if (layer < start) return gpus.length;
    const gpu = ends.findIndex((end) => end > Math.fround((layer - start) / wanted));
    return gpu === -1 ? gpus.length - 1 : gpu;
  });
  return { layers: all.slice(0, -1), output: all[count - 1] ?? gpus.length };
}

function layerTerms(model: EstimatedModel, layers: readonly LayerMemory[], plan: LoadPlan) {
  // Turned values lie in rows as long as the longest layer's.
  const longest = Math.max(0, ...model.layers.map((it) => it.valueElements));
  const valueElements = (it: LayerMemory) =>
    plan.flashAttention === "off" && it.valueElements > 0 ? longest : it.valueElements;
  const cells = (it: LayerMemory) =>
    plan.slots * (it.windowTokens === null ? slotTokens(plan) : windowCells(it.windowTokens, plan));
  return {
    weights: sum(layers.map((it) => it.weightBytes)),
    keys: sum(layers.map((it) => cells(it) * kvBytes(it.keyElements, plan.keyType))),
    values: sum(layers.map((it) => cells(it) * kvBytes(valueElements(it), plan.valueType))),
    state: sum(layers.map((it) => plan.slots * it.stateBytes)),
  };
}

function endTerms(
  model: EstimatedModel,
  plan: LoadPlan,
  { isGpu, hasOutput }: { readonly isGpu: boolean; readonly hasOutput: boolean },
) {
  const copied = isGpu && model.isOutputTied ? model.embeddingBytes : 0;
  return {
    output: hasOutput ? model.outputBytes + copied : 0,
    input: isGpu ? 0 : model.inputBytes,
    logits: isGpu ? 0 : 4 * model.compute.vocabulary * plan.slots,
  };
}

/** Copies of a step's inputs that llama.cpp keeps to work on several GPUs at once (`GGML_SCHED_MAX_COPIES`). */
const PIPELINE_COPIES = 4;

function computeOn(
  model: EstimatedModel,
  plan: LoadPlan,
  on: { readonly isGpu: boolean; readonly isWorking: boolean; readonly assigned: Assigned },
): number {
  if (!on.isWorking) return on.isGpu ? 0 : inputBytes(model, plan);
  const isPipelined = plan.gpus.length > 1 && on.assigned.layers.every((it) => it < plan.gpus.length);
  const copies = on.isGpu && isPipelined ? (PIPELINE_COPIES - 1) * inputBytes(model, plan) : 0;
  return computeBytes(model, plan) + copies;
}

function kvBytes(elements: number, typeName: string): number {
  const type = ggmlTypeNamed(typeName);
  return type ? Math.ceil(elements / type.blockElements) * type.blockBytes : 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, it) => total + it, 0);
}
