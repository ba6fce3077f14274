import { resolve } from "node:path";
import type { HardwareGpu } from "../core/choose.ts";
import { type VllmModel, type VllmTerms, vllmTerms } from "../core/estimateVllm.ts";
import { evenly } from "../core/placeSplits.ts";
import { type VllmOption, vllmOptions } from "../core/placeVllm.ts";
import type { Refusal } from "../core/refusal.ts";
import { TandemError } from "../errors.ts";
import { readVllmFolder, vllmFolder } from "../models/vllmFolder.ts";
import { readHere } from "./estimateHere.ts";
import type { Asked } from "./estimateOptions.ts";
import { mebibytes } from "./estimateTable.ts";
import type { Out } from "./printer.ts";
import { align } from "./table.ts";

/** What engines are asked for where nobody says anything else. */
const DEFAULT_CONTEXT_TOKENS = 8_192;

/** What vLLM would take of each card for a folder of safetensors, and with which flags; nothing is loaded or started. */
export async function showVllmEstimate(asked: Asked, out: Out, signal: AbortSignal): Promise<void> {
  const folder = (await vllmFolder(asked.model, process.env)) ?? (await vllmFolder(resolve(asked.model), process.env));
  if (folder === null)
    throw new TandemError(
      "model-unavailable",
      `${asked.model} is no folder, nor a model that a hub's client has put on this machine`,
      "Name a folder with config.json and *.safetensors, or a hub's id after downloading it",
    );
  const [model, here] = await Promise.all([readVllmFolder(folder, signal), readHere(signal)]);
  const contextTokens =
    asked.contextTokens ?? Math.min(DEFAULT_CONTEXT_TOKENS, model.maxContextTokens ?? DEFAULT_CONTEXT_TOKENS);
  const { gpus } = here.hardware;
  const { memoryShare, tensorParallel } = asked;
  const device = deviceFor(tensorParallel, gpus);
  const options = vllmOptions(
    { model, device, contextTokens, memoryShare, limitBytes: null },
    { gpus, reserveBytes: here.reserveBytes },
  );
  const ranks = tensorParallel ?? ("kind" in options ? 1 : (options[0]?.cards.length ?? 1));
  const terms = vllmTerms(model, { ranks, contextTokens });
  if (typeof terms === "string") throw new TandemError("bad-input", terms, "Change --tensor-parallel or --ctx");
  const shown: Shown = { folder, model, contextTokens, ranks, terms, options };
  out.write(asked.isJson ? `${JSON.stringify(asJson(shown))}\n` : tableOf(shown));
}

interface Shown {
  readonly folder: string;
  readonly model: VllmModel;
  readonly contextTokens: number;
  readonly ranks: number;
  readonly terms: VllmTerms;
  readonly options: readonly VllmOption[] | Refusal;
}

/** So many like cards together; "auto" leaves it to what fits. */
function deviceFor(ranks: number | null, gpus: readonly HardwareGpu[]): string {
  if (ranks === null || gpus.length === 0) return "auto";
  const [group] = evenly(gpus, ranks);
  if (group) return group.map((it) => it.uuid).join("+");
  throw new TandemError(
    "bad-input",
    `This machine has no ${ranks} cards of one kind`,
    "Leave --tensor-parallel out to see what fits",
  );
}

function asJson({ folder, options, ...shown }: Shown): object {
  const fits = !("kind" in options);
  return {
    model: { folder, ...shown.model },
    contextTokens: shown.contextTokens,
    tensorParallel: shown.ranks,
    termsOfEachCard: shown.terms,
    fits: fits ? "yes" : options.code === "not-configured" ? "unknown" : "no",
    options: fits ? options.map(({ id, needs, memoryShare, why }) => ({ id, needs, memoryShare, why })) : [],
    why: fits ? null : options.message,
  };
}

function tableOf({ folder, model, contextTokens, ranks, terms, options }: Shown): string {
  const rows = [
    ["", "each card, MiB"],
    ["weights", mebibytes(terms.weights)],
    ["activations (a fifth of them, by rule)", mebibytes(terms.activations)],
    ["keys and values of one request", mebibytes(terms.keysAndValues)],
    ["driver, PyTorch and graphs (about)", mebibytes(terms.footprint)],
    ["total", mebibytes(terms.totalBytes)],
  ];
  const lines = [
    folder,
    `vLLM, ${model.layers} layers, ${contextTokens} tokens of context, over ${ranks} card(s)`,
    "",
    ...align(rows),
    "",
    ...verdicts(options, contextTokens),
  ];
  return `${lines.join("\n")}\n`;
}

function verdicts(options: Shown["options"], contextTokens: number): readonly string[] {
  if ("kind" in options) return [`${options.message}. ${options.nextStep}.`];
  return options.map(({ why, cards, memoryShare }) => {
    const parallel = cards.length > 1 ? ` --tensor-parallel-size ${cards.length}` : "";
    return `--gpu-memory-utilization ${memoryShare} --max-model-len ${contextTokens}${parallel}  ${why}.`;
  });
}
