import { CPU_STEP_TOKENS, whyNot } from "../core/estimatePlan.ts";
import type { LocalSpec } from "../engineSpec.ts";
import { TandemError } from "../errors.ts";
import { checkedArguments, LLAMA_SERVER_FLAGS } from "./extraArguments.ts";

/** More layers than any model has: older servers know no "all". */
const ALL_LAYERS = 999;

/** Where a llama-server is, by its own names for devices ("CUDA0"); "none": on the processor; null: it is left to the server. */
export type LlamaDevices = readonly string[] | "none" | null;

/**
 * How a llama-server is told to run one model for us, and for nobody else: no polling, which would take the cores from the editor;
 * and the user's own arguments last. Throws TandemError not-configured for what cannot be together.
 */
export function llamaArguments(
  spec: LocalSpec,
  { port, name, devices }: { readonly port: number; readonly name: string; readonly devices: LlamaDevices },
): string[] {
  const { path, threads, contextTokens, use, options } = spec;
  return [
    ...["--model", path, "--alias", name, "--host", "127.0.0.1", "--port", String(port)],
    ...["--ctx-size", String(contextTokens), "--parallel", String(options.slots)],
    ...["--threads", String(threads), "--poll", "0"],
    ...cacheArguments(spec),
    ...deviceArguments(spec, devices),
    // A whole text must fit into one batch of an embedding model.
    ...(use === "embed" ? ["--embeddings", ...batch(contextTokens)] : ["--jinja", ...batchFor(spec, devices)]),
    ...checkedArguments(options.extraArguments, LLAMA_SERVER_FLAGS),
  ];
}

/** Only what differs from llama.cpp's own defaults, so that older servers start too. */
function cacheArguments({ options }: LocalSpec): string[] {
  const { keyType, valueType, flashAttention } = options;
  const trouble = whyNot({ valueType, flashAttention: flashAttention === "off" ? "off" : "on" });
  if (trouble !== null)
    throw new TandemError("not-configured", `The model's options do not go together: ${trouble}`, "Change one of them");
  return [
    ...(keyType === "f16" ? [] : ["--cache-type-k", keyType]),
    ...(valueType === "f16" ? [] : ["--cache-type-v", valueType]),
    ...(flashAttention === "auto" ? [] : ["--flash-attn", flashAttention]),
  ];
}

/** The environment ties the process to its GPUs; among what it then sees the devices are named. */
function deviceArguments({ cards, options }: LocalSpec, devices: LlamaDevices): string[] {
  if (devices === "none") return ["--n-gpu-layers", "0"];
  const { gpuLayers } = options;
  const layers = gpuLayers === "auto" ? [] : ["--n-gpu-layers", String(gpuLayers === "all" ? ALL_LAYERS : gpuLayers)];
  if (devices === null) return layers;
  const named = ["--device", devices.join(","), ...layers];
  if (devices.length < 2) return [...named, "--split-mode", "none", "--main-gpu", "0"];
  return [...named, "--split-mode", "layer", "--tensor-split", cards.map((it) => it.share).join(",")];
}

function batchFor({ contextTokens }: LocalSpec, devices: LlamaDevices): string[] {
  return devices === "none" ? batch(Math.min(CPU_STEP_TOKENS, contextTokens)) : [];
}

function batch(tokens: number): string[] {
  return ["--batch-size", String(tokens), "--ubatch-size", String(tokens)];
}
