import { type Correction, originText } from "../core/correction.ts";
import type { DeviceEstimate, Terms } from "../core/estimate.ts";
import type { Change, Way } from "../core/estimateFit.ts";
import type { LoadPlan } from "../core/estimatePlan.ts";
import { align } from "./table.ts";

/** An estimate beside what this machine has; `--json` prints it as it is. */
export interface Judged {
  readonly model: {
    readonly path: string;
    readonly architecture: string;
    readonly layers: number;
    readonly trainedContextTokens: number | null;
    readonly fileBytes: number;
  };
  readonly plan: LoadPlan;
  readonly devices: readonly (DeviceEstimate & {
    readonly name: string | null;
    /** Null: this machine has no such GPU. */
    readonly haveBytes: number | null;
    /** What is kept free of models. */
    readonly reserveBytes: number;
    /** What is left of it with the reserve taken off. */
    readonly roomBytes: number | null;
    /** Free at this moment; null: nobody tells. */
    readonly freeBytes: number | null;
    /** The same with the reserve taken off. */
    readonly nowBytes: number | null;
    /** With what earlier loads taught, or a tenth more: what must fit. */
    readonly correctedBytes: number;
    readonly correction: Correction;
  })[];
  readonly totalBytes: number;
  /** "unknown": on a GPU that this machine does not have. */
  readonly fits: "yes" | "no" | "unknown";
  readonly ways: readonly Way[];
  readonly notes: readonly string[];
}

const NAMES: Readonly<Record<keyof Terms, string>> = {
  weights: "weights of the layers",
  output: "output layer",
  input: "token embedding",
  keys: "keys",
  values: "values",
  state: "recurrent state",
  compute: "compute buffer",
  logits: "logits",
  driver: "driver context (about)",
  draft: "draft model",
};

/** For people: every term of every device in MiB, the verdict, and the ways out. */
export function tableOf(judged: Judged): string {
  const { model, plan, devices, notes } = judged;
  const used = devices.map(named).filter((it) => it.device !== "cpu" || it.totalBytes > 0);
  const terms = termNames().filter((term) => used.some((it) => it.terms[term] > 0));
  const bytes = (term: keyof Terms) => used.reduce((sum, it) => sum + it.terms[term], 0);
  const rows = [
    ["", ...used.map((it) => it.device), "bytes"],
    ...terms.map((term) => [NAMES[term], ...used.map((it) => mebibytes(it.terms[term])), String(bytes(term))]),
    ["total", ...used.map((it) => mebibytes(it.totalBytes)), String(judged.totalBytes)],
  ];
  const layers = used.map((it) => `${it.layers} on ${it.device}`).join(", ");
  const lines = [
    `${model.path}`,
    `${model.architecture}, ${model.layers} layers (${layers}), ${plan.contextTokens} tokens of context in ${plan.slots} slot(s), ` +
      `keys ${plan.keyType}, values ${plan.valueType}, flash attention ${plan.flashAttention}`,
    "",
    ...align(rows),
    "",
    ...used.map((it) => verdict(it)),
    ...waysOut(judged),
    ...notes.map((it) => `Note: ${it}.`),
  ];
  return `${lines.join("\n")}\n`;
}

/** An only GPU is "auto" to the engine, which finds it by itself; to people that is no name. */
function named<T extends { readonly device: string }>(it: T): T {
  return it.device === "auto" ? { ...it, device: "GPU" } : it;
}

function termNames(): readonly (keyof Terms)[] {
  return ["weights", "output", "input", "keys", "values", "state", "compute", "logits", "driver", "draft"];
}

function verdict(judged: Judged["devices"][number]): string {
  const { device, name, haveBytes, reserveBytes, roomBytes, nowBytes, freeBytes } = judged;
  const { totalBytes, correctedBytes, correction } = judged;
  const needs = `${device} needs ${mebibytes(correctedBytes)} MiB (${mebibytes(totalBytes)}, ${originText(correction)})`;
  if (haveBytes === null || roomBytes === null) return `${needs}; this machine has no such GPU.`;
  const have = `${name ?? device} has ${mebibytes(haveBytes)}, of which ${mebibytes(reserveBytes)} stay free`;
  const fits = correctedBytes <= roomBytes;
  const now =
    !fits || nowBytes === null || freeBytes === null
      ? ""
      : ` Right now ${mebibytes(freeBytes)} are free: ${correctedBytes <= nowBytes ? "it fits now" : "NOT NOW, others use it"}.`;
  return `${needs}; ${have}: it ${fits ? "fits" : "DOES NOT FIT"}.${now}`;
}

function waysOut({ fits, ways }: Judged): readonly string[] {
  if (fits !== "no") return [];
  if (ways.length === 0) return ["", "No single change makes it fit: take a smaller model."];
  return [
    "",
    "It would fit with, cheapest first:",
    ...ways.map((it) => `  ${inWords(it.change)}: ${mebibytes(it.totalBytes)} MiB`),
  ];
}

function inWords(change: Change): string {
  switch (change.kind) {
    case "flash-attention":
      return "--flash-attn on";
    case "kv-type":
      return `--flash-attn on --kv ${change.type}`;
    case "context":
      return `--ctx ${change.contextTokens}`;
    case "gpu-layers":
      return `--gpu-layers ${change.gpuLayers}`;
    case "model":
      return `the model ${change.id}`;
  }
}

export function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(2);
}
