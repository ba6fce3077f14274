import { KV_TYPES, type KvType, type LoadPlan, whyNot } from "../core/estimatePlan.ts";
import { TandemError } from "../errors.ts";

/** Flags of `tandem estimate`, as node:util's parseArgs wants them. */
export const ESTIMATE_FLAGS = {
  ctx: { type: "string" },
  kv: { type: "string" },
  "gpu-layers": { type: "string" },
  "flash-attn": { type: "string" },
  slots: { type: "string" },
  split: { type: "string" },
  draft: { type: "string" },
  backend: { type: "string" },
  "tensor-parallel": { type: "string" },
  "memory-share": { type: "string" },
} as const;

export interface EstimateFlags {
  readonly ctx?: string | undefined;
  readonly kv?: string | undefined;
  readonly "gpu-layers"?: string | undefined;
  readonly "flash-attn"?: string | undefined;
  readonly slots?: string | undefined;
  readonly split?: string | undefined;
  readonly draft?: string | undefined;
  readonly backend?: string | undefined;
  readonly "tensor-parallel"?: string | undefined;
  readonly "memory-share"?: string | undefined;
  readonly json?: boolean | undefined;
}

/** What is asked of `tandem estimate`; null where nothing is said. */
export interface Asked extends Pick<LoadPlan, "slots" | "keyType" | "valueType" | "flashAttention"> {
  readonly model: string;
  readonly draft: string | null;
  readonly contextTokens: number | null;
  readonly gpuLayers: LoadPlan["gpuLayers"] | null;
  readonly split: readonly number[] | null;
  /** Who would load it: Tandem's own engine, or a server that it starts. */
  readonly backend: "embedded" | "llama-server" | "vllm";
  /** Cards that vLLM shares it over; null: as few as hold it. */
  readonly tensorParallel: number | null;
  /** Of each card's memory, for vLLM; null: as little as does. */
  readonly memoryShare: number | null;
  readonly isJson: boolean;
}

/** The longest context that any model claims is a tenth of it. */
const MAX_CONTEXT_TOKENS = 1 << 27;
const MAX_LAYERS = 10_000;
/** llama.cpp's own limits. */
const MAX_SLOTS = 256;
const MAX_GPUS = 16;

/** Throws TandemError bad-input naming the flag that is wrong. */
export function toAsked(words: readonly string[], flags: EstimateFlags): Asked {
  const [model] = words;
  if (model === undefined || words.length > 1)
    throw wrong(`estimate takes one model, not ${words.length}`, "Use `tandem estimate MODEL --ctx N`");
  const asked: Asked = {
    model,
    draft: flags.draft ?? null,
    contextTokens: flags.ctx === undefined ? null : whole("--ctx", flags.ctx, { from: 1, to: MAX_CONTEXT_TOKENS }),
    slots: flags.slots === undefined ? 1 : whole("--slots", flags.slots, { from: 1, to: MAX_SLOTS }),
    ...kvTypes(flags.kv ?? "f16"),
    flashAttention: oneOf("--flash-attn", flags["flash-attn"] ?? "on", ["on", "off"] as const),
    gpuLayers: gpuLayers(flags["gpu-layers"]),
    split: flags.split === undefined ? null : shares(flags.split),
    ...vllm(flags),
    isJson: flags.json === true,
  };
  const why = whyNot(asked);
  if (why !== null) throw wrong(why, "Use --flash-attn on, or --kv f16");
  return asked;
}

/** What only vLLM is told means nothing to llama.cpp, and the other way round. */
function vllm(flags: EstimateFlags): Pick<Asked, "backend" | "tensorParallel" | "memoryShare"> {
  const backend = oneOf("--backend", flags.backend ?? "embedded", ["embedded", "llama-server", "vllm"] as const);
  const { "tensor-parallel": ranks, "memory-share": share } = flags;
  const isForVllm = ranks !== undefined || share !== undefined;
  const isForLlama = LLAMA_ONLY.find((it) => flags[it] !== undefined);
  if (backend !== "vllm" && isForVllm)
    throw wrong("--tensor-parallel and --memory-share are vLLM's", "Add --backend vllm, or use --split 1,1");
  if (backend === "vllm" && isForLlama !== undefined)
    throw wrong(`--${isForLlama} is llama.cpp's`, "Leave it out, or leave out --backend vllm");
  return {
    backend,
    tensorParallel: ranks === undefined ? null : whole("--tensor-parallel", ranks, { from: 1, to: MAX_GPUS }),
    memoryShare: share === undefined ? null : shareOf(share),
  };
}

const LLAMA_ONLY = ["kv", "gpu-layers", "flash-attn", "slots", "split", "draft"] as const;

function shareOf(text: string): number {
  const share = Number(text);
  if (text.trim() !== "" && share > 0 && share < 1) return share;
  throw wrong(`--memory-share ${text} is no share of a card's memory`, "Give a number between 0 and 1, as 0.85");
}

/** One type for both, or `KEYS/VALUES`. */
function kvTypes(text: string): { keyType: KvType; valueType: KvType } {
  const [keys = "", values = keys, ...more] = text.split("/");
  if (more.length > 0) throw wrong(`--kv ${text} has too many parts`, "Give one type, or KEYS/VALUES as in q8_0/q4_0");
  return { keyType: oneOf("--kv", keys, KV_TYPES), valueType: oneOf("--kv", values, KV_TYPES) };
}

function gpuLayers(text: string | undefined): Asked["gpuLayers"] {
  if (text === undefined || text === "all") return text ?? null;
  return whole("--gpu-layers", text, { from: 0, to: MAX_LAYERS });
}

function shares(text: string): number[] {
  const list = text.split(",").map((it) => (it.trim() === "" ? Number.NaN : Number(it)));
  const isUsable = list.every((it) => Number.isFinite(it) && it >= 0) && list.some((it) => it > 0);
  if (!isUsable || list.length > MAX_GPUS)
    throw wrong(`--split ${text} is no list of shares`, "Give one number for each GPU, as in 3,1");
  return list;
}

function whole(flag: string, text: string, { from, to }: { from: number; to: number }): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isInteger(number) && number >= from && number <= to) return number;
  throw wrong(`${flag} ${text} is no number that it can be`, `Give a whole number from ${from} to ${to}`);
}

function oneOf<Name extends string>(flag: string, text: string, names: readonly Name[]): Name {
  const name = names.find((it) => it === text);
  if (name !== undefined) return name;
  throw wrong(`${flag} ${text} is not known`, `Give one of ${names.join(", ")}`);
}

function wrong(message: string, nextStep: string): TandemError {
  return new TandemError("bad-input", message, nextStep);
}
