import { stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import type {
  ChatWrapper,
  Llama,
  LlamaContextOptions,
  LlamaContextSequence,
  LlamaEmbeddingContext,
  LlamaModel,
  LlamaModelOptions,
} from "node-llama-cpp";
import { isSameCardName } from "../core/cardName.ts";
import { type BufferReader, type Buffers, createBufferReader } from "../core/llamaBuffers.ts";
import { TandemError } from "../errors.ts";
import { useFetchedBuilds } from "./builds.ts";
import { noStart } from "./noStart.ts";
import type { Gpu, ToChild } from "./wire.ts";

/** Together a tenth of a second, should it say nothing at all. */
const MOST_LOG_TURNS = 50;
const LOG_TURN_MS = 2;

type Library = typeof import("node-llama-cpp");
type LoadMessage = Extract<ToChild, { kind: "load" }>;

/** One model and one context: what an engine child holds for its whole life. */
export interface Loaded {
  readonly library: Library;
  readonly llama: Llama;
  readonly model: LlamaModel;
  /** Prompt and answer together; for a text to embed, the text. */
  readonly contextTokens: number;
  /** Gives back the memory of keys, values and computations; the weights stay. */
  dropContext(): Promise<void>;
  /** The same model with a new context. Throws TandemError no-memory. */
  renewContext(): Promise<LoadedWriter | LoadedEmbedder>;
  /** What llama.cpp said that it allocated, and where. */
  readonly held: { readonly buffers: Buffers | null; readonly said: string | null };
}

/** Vulkan's devices are not the cards that were meant. */
export interface OtherDevices {
  readonly use: "none";
  readonly names: readonly string[];
}

export interface Reached {
  /** "none": the processor. */
  readonly gpu: string;
  readonly names: readonly string[];
}

/** Loaded for writing: one sequence, and the model's own template of a chat. */
export interface LoadedWriter extends Loaded {
  readonly use: "write";
  readonly sequence: LlamaContextSequence;
  readonly chatWrapper: ChatWrapper;
}

/** Loaded for vectors. */
export interface LoadedEmbedder extends Loaded {
  readonly use: "embed";
  readonly context: LlamaEmbeddingContext;
}

/**
 * Loads the model, unless the devices are others than the cards that were named. Throws TandemError: model-unavailable (no such file,
 * no GGUF, an architecture llama.cpp does not know), no-memory, not-configured (no build for that kind of GPU).
 */
export async function load(
  message: LoadMessage,
  log: (level: string, text: string) => void,
): Promise<LoadedWriter | LoadedEmbedder | OtherDevices> {
  const library = await libraryWith(message.builds);
  const reader = createBufferReader();
  const llama = await startLlama(library, message.gpu, (level, text) => {
    reader.add(`${text.trimEnd()}\n`);
    if (isTrouble(level)) log(level, text);
  });
  const names = await otherDevices(llama, message);
  if (names !== null) return { use: "none", names };
  const model = await loadModel(library, llama, message);
  return withContext({ library, llama, model, message, reader });
}

/** Which kind of device the builds here use when they are asked for this one. Throws TandemError not-configured. */
export async function reach({ gpu, builds }: Extract<ToChild, { kind: "reach" }>): Promise<Reached> {
  const llama = await startLlama(await libraryWith(builds), gpu, () => undefined);
  const names = llama.gpu === false ? [] : await llama.getGpuDeviceNames();
  // A library for GPUs starts on machines without any, too.
  return { gpu: names.length === 0 ? "none" : llama.gpu || "none", names };
}

async function libraryWith(builds: string | null): Promise<Library> {
  if (builds !== null) useFetchedBuilds(builds);
  // Imported here: until the library is there, the process must already notice that its parent has gone.
  return import("node-llama-cpp");
}

/** The names of the devices there are when they are not the ones that were meant; null: they are, or it does not matter. */
async function otherDevices(llama: Llama, { cardNames }: LoadMessage): Promise<readonly string[] | null> {
  if (cardNames.length === 0 || llama.gpu !== "vulkan") return null;
  const names = await llama.getGpuDeviceNames();
  const isMeant = cardNames.every((it, nth) => isSameCardName(it, names[nth] ?? ""));
  return isMeant && names.length === cardNames.length ? null : names;
}

function isTrouble(level: string): boolean {
  return level === "warn" || level === "error" || level === "fatal";
}

interface Parts {
  readonly library: Library;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly message: LoadMessage;
  readonly reader: BufferReader;
}

async function withContext(parts: Parts): Promise<LoadedWriter | LoadedEmbedder> {
  const { library, llama, model, message, reader } = parts;
  try {
    const context = await (message.use === "write" ? forWriting(parts) : forVectors(parts));
    await wholeLog(reader);
    return {
      ...{ library, llama, model, contextTokens: message.contextTokens },
      ...context,
      renewContext: () => withContext(parts),
      held: { buffers: reader.buffers(), said: reader.usedDevices() },
    };
  } catch (cause) {
    throw contextError(library, message, cause);
  }
}

/** The library hands llama.cpp's log on a little later. */
async function wholeLog(reader: BufferReader): Promise<void> {
  for (let turns = 0; turns < MOST_LOG_TURNS && !reader.isWhole(); turns++) await wait(LOG_TURN_MS);
}

type OwnOfWriter = Pick<LoadedWriter, "use" | "sequence" | "chatWrapper" | "dropContext">;
type OwnOfEmbedder = Pick<LoadedEmbedder, "use" | "context" | "dropContext">;

async function forWriting({ library, model, message }: Parts): Promise<OwnOfWriter> {
  const { contextTokens: contextSize, threads } = message;
  const context = await model.createContext({ sequences: 1, contextSize, threads, ...cacheOptions(message) });
  const chatWrapper = library.resolveChatWrapper(model, { warningLogs: false });
  return { use: "write", sequence: context.getSequence(), chatWrapper, dropContext: () => context.dispose() };
}

async function forVectors({ model, message }: Parts): Promise<OwnOfEmbedder> {
  const { contextTokens, threads } = message;
  // An embedding model looks at a text forwards and backwards, so it must have all of it in one batch.
  const size = { contextSize: contextTokens, batchSize: contextTokens };
  const context = await model.createEmbeddingContext({ ...size, threads });
  return { use: "embed", context, dropContext: () => context.dispose() };
}

/** The library names the types as llama.cpp's header does, in capitals; what is usual is left to it. */
function cacheOptions({ options }: LoadMessage): LlamaContextOptions {
  const { keyType, valueType, flashAttention } = options;
  return {
    ...(flashAttention === "auto" ? {} : { flashAttention: flashAttention === "on" }),
    ...(keyType === "f16" ? {} : { experimentalKvCacheKeyType: GGML_NAMES[keyType] }),
    ...(valueType === "f16" ? {} : { experimentalKvCacheValueType: GGML_NAMES[valueType] }),
  };
}

const GGML_NAMES = {
  f32: "F32",
  f16: "F16",
  bf16: "BF16",
  q8_0: "Q8_0",
  q5_1: "Q5_1",
  q5_0: "Q5_0",
  q4_1: "Q4_1",
  q4_0: "Q4_0",
  iq4_nl: "IQ4_NL",
} as const;

async function startLlama(library: Library, gpu: Gpu, log: (level: string, text: string) => void): Promise<Llama> {
  const { LlamaLogLevel, getLlama } = library;
  try {
    const llama = await getLlama({
      gpu: gpuOption(gpu),
      build: "never",
      skipDownload: true,
      progressLogs: false,
      // llama.cpp tells of its buffers at this level; what is passed on is chosen by `log`.
      logLevel: LlamaLogLevel.info,
      logger: log,
      // No limit of its own: the context's count is then what is used.
      maxThreads: 0,
    });
    // Asked for a kind of GPU that a platform cannot have, the library quietly takes the processor.
    if (gpu === "auto" || gpu === "none" || llama.gpu === gpu) return llama;
    throw new Error(`there is no build of it for ${process.platform}`);
  } catch (cause) {
    throw noStart(gpu, cause);
  }
}

function gpuOption(gpu: Gpu): "auto" | "cuda" | "vulkan" | "metal" | false {
  return gpu === "none" ? false : gpu;
}

async function loadModel(library: Library, llama: Llama, message: LoadMessage): Promise<LlamaModel> {
  const { path } = message;
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile())
    throw new TandemError(
      "model-unavailable",
      `There is no model file at ${path}`,
      "Fetch it again: tandem models pull",
    );
  try {
    return await llama.loadModel({ modelPath: path, gpuLayers: layersFor(message) });
  } catch (cause) {
    if (isMemory(library, cause)) throw noMemory(`The model does not fit in memory: ${messageOf(cause)}`, cause);
    throw new TandemError(
      "model-unavailable",
      `The model file ${path} cannot be loaded: ${messageOf(cause)}`,
      "Fetch it again, or choose another model: it may be damaged, or newer than this engine",
      { cause },
    );
  }
}

/** "auto" looks at what is free, for this context too. */
function layersFor({ gpu, options, contextTokens, use }: LoadMessage): NonNullable<LlamaModelOptions["gpuLayers"]> {
  if (gpu === "none") return 0;
  if (options.gpuLayers !== "auto") return options.gpuLayers === "all" ? "max" : options.gpuLayers;
  return { fitContext: { contextSize: contextTokens, embeddingContext: use === "embed" } };
}

function contextError(library: Library, message: LoadMessage, cause: unknown): TandemError {
  if (isMemory(library, cause) || /create context/i.test(messageOf(cause)))
    return noMemory(`A context of ${message.contextTokens} tokens does not fit in memory: ${messageOf(cause)}`, cause);
  return new TandemError(
    "model-unavailable",
    `The model was loaded but cannot be used: ${messageOf(cause)}`,
    "Choose another model",
    { cause },
  );
}

function noMemory(message: string, cause: unknown): TandemError {
  return new TandemError("no-memory", message, "Close other programs, or choose a smaller model", { cause });
}

/** Whether memory ran out. llama.cpp itself only says so in words. */
export function isMemory(library: Library, error: unknown): boolean {
  return (
    error instanceof library.InsufficientMemoryError ||
    /out of memory|failed to allocate|bad_alloc/i.test(messageOf(error))
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
