import { open, readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import type { VllmModel } from "../core/estimateVllm.ts";
import { TandemError, throwIfAborted } from "../errors.ts";
import { safetensorsBytes } from "./safetensors.ts";

const MAX_CONFIG_BYTES = 4 << 20;
/** The largest models come in some 200. */
const MAX_SHARDS = 1_000;
const MOST = 1 << 30;
const count = z.int().positive().max(MOST);

/** The fields of a Hugging Face `config.json` that decide about memory; everything else is somebody else's. */
const Widths = z.object({
  num_hidden_layers: count,
  hidden_size: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  kv_lora_rank: count.nullish(),
  qk_rope_head_dim: count.nullish(),
  max_position_embeddings: count.nullish(),
  torch_dtype: z.string().nullish(),
  dtype: z.string().nullish(),
});

/** Models that see pictures keep their language model's widths one level deeper. */
const Config = z.union([z.object({ text_config: Widths }).transform((it) => it.text_config), Widths]);

/** Reads what vLLM would load from a folder, without loading it. Throws TandemError bad-input. */
export async function readVllmFolder(folder: string, signal: AbortSignal): Promise<VllmModel> {
  throwIfAborted(signal);
  const config = Config.safeParse(await jsonOf(join(folder, "config.json")));
  if (!config.success) throw refused(folder, "its config.json does not say what a language model's does");
  const names = await readdir(folder);
  const shards = names.filter((it) => it.endsWith(".safetensors"));
  if (shards.length === 0) throw refused(folder, "there are no *.safetensors in it");
  if (shards.length > MAX_SHARDS) throw refused(folder, `there are ${shards.length} *.safetensors in it`);
  let weightBytes = 0;
  // One after the other: each may hold a large header.
  for (const name of await wanted(folder, shards)) weightBytes += await safetensorsBytes(join(folder, name), signal);
  return modelOf(config.data, weightBytes);
}

/** The folder that a model's name stands for: itself, if it is a whole path, or where a hub's client has put it; null: it is not on this machine. */
export async function vllmFolder(source: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  // Where this process happens to stand says nothing.
  if (isAbsolute(source)) return (await isFolder(source)) ? source : null;
  if (!/^[\w.-]+\/[\w.-]+$/.test(source)) return null;
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
  const kept = join(env.HF_HUB_CACHE || join(home, "hub"), `models--${source.replace("/", "--")}`);
  const revision = await readFile(join(kept, "refs", "main"), "utf8").catch(() => null);
  if (revision === null || !/^[0-9a-f]{40}$/.test(revision.trim())) return null;
  const folder = join(kept, "snapshots", revision.trim());
  return (await isFolder(folder)) ? folder : null;
}

/** Where an index says which files belong to the model, others beside them (an adapter's, the original format) do not. */
async function wanted(folder: string, shards: readonly string[]): Promise<readonly string[]> {
  if (!(await isFile(join(folder, "model.safetensors.index.json")))) return shards;
  const index = z
    .object({ weight_map: z.record(z.string(), z.string()) })
    .safeParse(await jsonOf(join(folder, "model.safetensors.index.json")));
  if (!index.success) throw refused(folder, "its index of weights cannot be read");
  const named = new Set(Object.values(index.data.weight_map));
  // Names lead nowhere else: only what lies in the folder is opened.
  const missing = [...named].find((it) => !shards.includes(it));
  if (missing !== undefined) throw refused(folder, `its index names ${missing.slice(0, 100)}, which is not in it`);
  return [...named];
}

function modelOf(config: z.output<typeof Widths>, weightBytes: number): VllmModel {
  const heads = config.num_attention_heads;
  const isLatent = config.kv_lora_rank !== null && config.kv_lora_rank !== undefined;
  const isWide = /float32$/.test(config.dtype ?? config.torch_dtype ?? "");
  return {
    weightBytes,
    layers: config.num_hidden_layers,
    heads,
    kvHeads: config.num_key_value_heads ?? heads,
    headWidth: config.head_dim ?? Math.floor(config.hidden_size / heads),
    latentWidth: isLatent ? (config.kv_lora_rank ?? 0) + (config.qk_rope_head_dim ?? 0) : null,
    elementBytes: isWide ? 4 : 2,
    maxContextTokens: config.max_position_embeddings ?? null,
  };
}

async function jsonOf(path: string): Promise<unknown> {
  const file = await open(path, "r").catch((cause: unknown) => {
    throw refused(path, "it cannot be opened", cause);
  });
  await using _closed = file;
  const found = await file.stat();
  if (!found.isFile() || found.size > MAX_CONFIG_BYTES) throw refused(path, "it is not a file of that kind");
  try {
    return JSON.parse(await file.readFile("utf8"));
  } catch (cause) {
    throw refused(path, "it is not JSON", cause);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

function refused(path: string, why: string, cause?: unknown): TandemError {
  const nextStep = "Name the folder of a model in safetensors format, with its config.json";
  return new TandemError("bad-input", `${path} is not used: ${why}`, nextStep, cause === undefined ? {} : { cause });
}
