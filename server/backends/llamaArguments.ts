import type { LocalSpec } from "../engineSpec.ts";
import { type Pin, pinTo } from "./pin.ts";

/** On a processor it heeds a cancellation between two batches only, and 128 tokens are a second or two there. */
const CPU_BATCH_TOKENS = 128;

/**
 * How a llama-server is told to run one model for us, and for nobody else: one slot, because the model was chosen so that one context
 * fits beside it; no polling, which would take the cores from the editor.
 */
export function llamaArguments(spec: LocalSpec, { port, name }: { port: number; name: string }): string[] {
  const { path, threads, contextTokens, use } = spec;
  return [
    ...["--model", path, "--alias", name, "--host", "127.0.0.1", "--port", String(port)],
    ...["--ctx-size", String(contextTokens), "--parallel", "1"],
    ...["--threads", String(threads), "--poll", "0"],
    ...deviceArguments(pinTo(spec.device)),
    // A whole text must fit into one batch of an embedding model.
    ...(use === "embed" ? ["--embeddings", ...batch(contextTokens)] : ["--jinja", ...batchFor(spec)]),
  ];
}

/** The environment pins the GPU; left alone, the server itself finds how much of the model fits. */
function deviceArguments({ gpu }: Pin): string[] {
  return gpu === "none" ? ["--n-gpu-layers", "0"] : [];
}

function batchFor({ device, contextTokens }: LocalSpec): string[] {
  return device === "cpu" ? batch(Math.min(CPU_BATCH_TOKENS, contextTokens)) : [];
}

function batch(tokens: number): string[] {
  return ["--batch-size", String(tokens), "--ubatch-size", String(tokens)];
}
