import { stat } from "node:fs/promises";
import type { ChatWrapper, Llama, LlamaContextSequence, LlamaEmbeddingContext, LlamaModel } from "node-llama-cpp";
import { TandemError } from "../errors.ts";
import type { Gpu, ToChild } from "./wire.ts";

type Library = typeof import("node-llama-cpp");
type LoadMessage = Extract<ToChild, { kind: "load" }>;

/** One model and one context: what an engine child holds for its whole life. */
export interface Loaded {
  readonly library: Library;
  readonly llama: Llama;
  readonly model: LlamaModel;
  /** Prompt and answer together; for a text to embed, the text. */
  readonly contextTokens: number;
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
 * Loads the model. Throws TandemError: model-unavailable (no such file, no GGUF, an architecture llama.cpp does not know),
 * no-memory, not-configured (no build for that kind of GPU).
 */
export async function load(
  message: LoadMessage,
  log: (level: string, text: string) => void,
): Promise<LoadedWriter | LoadedEmbedder> {
  // Imported here: until the library is there, the process must already notice that its parent has gone.
  const library = await import("node-llama-cpp");
  const llama = await startLlama(library, message, log);
  const model = await loadModel(library, llama, message);
  const loaded = { library, llama, model, contextTokens: message.contextTokens };
  try {
    return await (message.use === "write" ? forWriting(loaded, message.threads) : forVectors(loaded, message.threads));
  } catch (cause) {
    throw contextError(library, message, cause);
  }
}

async function forWriting(loaded: Loaded, threads: number): Promise<LoadedWriter> {
  const { library, model, contextTokens } = loaded;
  const context = await model.createContext({ sequences: 1, contextSize: contextTokens, threads });
  const chatWrapper = library.resolveChatWrapper(model, { warningLogs: false });
  return { ...loaded, use: "write", sequence: context.getSequence(), chatWrapper };
}

async function forVectors(loaded: Loaded, threads: number): Promise<LoadedEmbedder> {
  const { model, contextTokens } = loaded;
  // An embedding model looks at a text forwards and backwards, so it must have all of it in one batch.
  const size = { contextSize: contextTokens, batchSize: contextTokens };
  return { ...loaded, use: "embed", context: await model.createEmbeddingContext({ ...size, threads }) };
}

async function startLlama(
  library: Library,
  message: LoadMessage,
  log: (level: string, text: string) => void,
): Promise<Llama> {
  const { LlamaLogLevel, getLlama } = library;
  try {
    const llama = await getLlama({
      gpu: gpuOption(message.gpu),
      build: "never",
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.warn,
      logger: log,
      // No limit of its own: the context's count is then what is used.
      maxThreads: 0,
    });
    // Asked for a kind of GPU that a platform cannot have, the library quietly takes the processor.
    if (message.gpu === "auto" || message.gpu === "none" || llama.gpu === message.gpu) return llama;
    throw new Error(`there is no build of it for ${process.platform}`);
  } catch (cause) {
    const where = message.gpu === "none" ? "the processor" : message.gpu;
    throw new TandemError(
      "not-configured",
      `The engine cannot start on ${where}: ${messageOf(cause)}`,
      message.gpu === "none"
        ? "Use an endpoint instead: set tandem.draft.endpoint"
        : 'Set the device setting to "cpu" or "vulkan:0", or install that GPU\'s driver',
      { cause },
    );
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
    return await llama.loadModel({ modelPath: path, gpuLayers: message.gpu === "none" ? 0 : "auto" });
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
