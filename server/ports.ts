import type { HardwareGpu } from "./core/choose.ts";
import type { Need } from "./core/govern/loadable.ts";
import type { EngineSpec } from "./engineSpec.ts";
import type { Decision } from "./protocol/decision.ts";
import type { DecisionPage, JournalEntry, Outcome } from "./protocol/decisions.ts";
import type { DownloadProgress, ModelInfo } from "./protocol/models.ts";
import type { RouteRecord } from "./protocol/routing.ts";
import type { Range } from "./protocol/source.ts";
import type { Seam } from "./protocol/traffic.ts";
import type { Relay, RelayRequest } from "./relaying.ts";

/** Milliseconds on a clock that never goes backwards. */
export interface Clock {
  nowMs(): number;
}

export interface Log {
  error(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  info(event: string, fields?: Record<string, unknown>): void;
  debug(event: string, fields?: Record<string, unknown>): void;
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What an engine is asked to write. Sampling names are the field's own. */
export interface GenerateRequest {
  /** `text` is continued as it stands; `chat` goes through the model's own template. */
  readonly prompt:
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "chat"; readonly messages: readonly ChatMessage[] };
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly repeatPenalty: number;
  /** Null: the engine picks one. */
  readonly seed: number | null;
  /** Generation ends before any of these; the stop text is not part of the answer. */
  readonly stop: readonly string[];
  /** Confines the answer. Engines use what they can: GBNF (llama.cpp) or the JSON schema (vLLM, Ollama). Null: free text. */
  readonly shape: AnswerShape | null;
  /**
   * What the answer begins with already: only what follows is written, and streamed. Engines that can put it into the model's own turn do;
   * the others are told to go on exactly there. Left out: nothing.
   */
  readonly continues?: string;
  /** On `Clock`: whoever asks gives up then, so that nothing is tried again that would come too late. Left out: unknown. */
  readonly deadlineMs?: number;
  /** Another engine stands ready to answer: where this one fails, it is not asked again first. */
  readonly hasSuccessor?: boolean;
}

export interface AnswerShape {
  readonly name: string;
  readonly gbnf: string;
  readonly jsonSchema: Readonly<Record<string, unknown>>;
}

/** Text as it comes, a reasoning model's thoughts left out, then exactly one `done`. A stream that ends without `done` is an error the engine throws. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "done";
      /** `stop`: the model ended or a stop text was met; `length`: maxTokens or the context ran out. */
      readonly finish: "stop" | "length";
      readonly promptTokens: number;
      /** Prompt tokens already in the KV cache. */
      readonly cachedTokens: number;
      readonly completionTokens: number;
      /** As the engine reports; measured from outside where it reports nothing. */
      readonly prefillMs: number;
      readonly decodeMs: number;
    };

/**
 * One loaded model that writes text. At most `slots` generations at a time; the scheduler sees to that.
 * When `signal` fires the stream throws promptly and the engine is free again for the next request.
 * Throws TandemError: provider, timeout, context-length, no-memory, cancelled.
 */
export interface Engine extends AsyncDisposable {
  readonly model: ModelInfo;
  /** "cpu", "cuda:0", or the endpoint's host. */
  readonly device: string;
  /** Generations it can run at once: 1 for an embedded engine, an endpoint's slots (llama-server `total_slots`) otherwise. */
  readonly slots: number;
  /** The engine's process, where it is ours. */
  readonly pid: number | null;
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<Piece>;
  /** What else its server can be asked for by name (Ollama, a router before several models); empty where there is nothing else. */
  readonly serves: readonly string[];
  /** Engines that speak OpenAI's wire themselves take a request as it is, tools and all; null for the others. */
  readonly relay: Relay | null;
  /** Whether `relay` can be told to go on in an answer that was begun elsewhere (`RelayRequest.goesOn`). Left out: it cannot. */
  readonly relayGoesOn?: (path: RelayRequest["path"]) => boolean;
  /** Null for engines that make no vectors. Throws as `generate` does. */
  readonly embed: Embed | null;
  /** What its vectors come from: the model's file by its content, or the server and the model's name there. Left out: not known. */
  readonly vectorSource?: string;
  /** Resolves when the engine is gone by itself (crash, killed); never rejects. */
  readonly gone: Promise<string>;
  /** What it says it holds of each device, by uuid or "cpu"; null: it does not say. */
  readonly held: readonly Need[] | null;
  /** Frees keys and values and keeps the weights, if it can; the next request reads its prompt anew. */
  readonly trim: ((signal: AbortSignal) => Promise<void>) | null;
  /**
   * After a request was broken off: resolves when the engine is *seen* to be free of it, with how long that took. Absent: it cannot be
   * seen. Throws where it is not free in time. The turn is kept until then, so that nobody is sent into a slot that still works.
   */
  readonly settle?: (signal: AbortSignal) => Promise<number>;
  /** Whether it is where it was put. */
  readonly placement: Placement | null;
  /** What it says itself of where it is, for who checks that; absent: nothing. */
  readonly reported?: Reported;
}

/** An engine's own word, which is no proof. */
export interface Reported {
  /** By what it reaches its GPU: drivers list the processes of CUDA, and not those of Vulkan. */
  readonly api: "cpu" | "cuda" | "other";
  /** A sentence: "llama-server says that it uses CUDA0 (NVIDIA GeForce RTX 3090)". */
  readonly said: string | null;
}

/**
 * Whether a process is on the device that it was given.
 * - verified      its own process was seen there, or the device's memory rose by what it needs when it was loaded
 * - refuted       it was seen elsewhere, or holds nothing where it should
 * - unverifiable  this system hides which process holds what
 */
export interface Placement {
  readonly verdict: "verified" | "refuted" | "unverifiable";
  /** One sentence: the evidence. */
  readonly why: string;
}

export interface Embeddings {
  /** One vector per text, in order, all of the same length. */
  readonly vectors: readonly (readonly number[])[];
  readonly promptTokens: number;
}

export type Embed = (texts: readonly string[], signal: AbortSignal) => Promise<Embeddings>;

/** Starts an engine child, or attaches to an endpoint and asks it what it serves. Throws TandemError. */
export type OpenEngine = (spec: EngineSpec, signal: AbortSignal) => Promise<Engine>;

/** What a model is to run in, and where. */
export interface ReachWish {
  /** A llama-server; null: the embedded engine. */
  readonly executable: string | null;
  /** As settings name it: what no reading shows is asked for by this alone. */
  readonly device: string;
  /** Of one make; empty: only `device` is known. */
  readonly gpus: readonly HardwareGpu[];
}

export interface Reach {
  /** Those of the wished GPUs that it can use. */
  readonly gpus: readonly HardwareGpu[];
  /** Why it can use none; null: it can use some, or it cannot be told, and loading shows it. */
  readonly whyNot: { readonly message: string; readonly nextStep: string } | null;
}

/**
 * Whether the builds of an engine that are here can use GPUs at all, asked before a model is loaded: what cannot use its GPU goes to main
 * memory, which must be asked first. Throws TandemError cancelled.
 */
export type AskReach = (wish: ReachWish, signal: AbortSignal) => Promise<Reach>;

/** A model file on this machine. */
export interface ModelFile {
  readonly model: ModelInfo;
  readonly path: string;
  /** Why this is not the model asked for; null when it is. */
  readonly substituted: string | null;
}

export interface ModelStore {
  /**
   * The model's file: from the cache without any request, else downloaded, verified and put there.
   * Where no source can be reached and `substitute` names another model, that one is used instead and `substituted` says so.
   * Throws TandemError: model-unavailable, no-space, bad-input (a `file:` that is no GGUF), cancelled.
   */
  ensure(
    id: string,
    substitute: string | null,
    onProgress: (progress: DownloadProgress) => void,
    signal: AbortSignal,
  ): Promise<ModelFile>;
  /** Whether `ensure` would need no request. */
  isCached(id: string): Promise<boolean>;
  readonly folder: string;
}

/** A declaration: a function, method, class, or a variable that holds a function. */
export interface Declaration {
  readonly kind: "function" | "method" | "class" | "other";
  readonly name: string;
  /** From the first decorator or `export` to the end of the body; a doc comment before it is not part of it. */
  readonly range: Range;
  /** Name, parameters and return type, up to where the body starts (with the opening brace or colon). The whole range when there is no body. */
  readonly headRange: Range;
  /** What stands between the braces, or the indented block; null for a declaration without a body. */
  readonly bodyRange: Range | null;
  /** The doc comment (or Python docstring) it already has. */
  readonly docRange: Range | null;
  /** Whitespace its first line starts with. */
  readonly indent: string;
  /** The number of declarations it lies in. */
  readonly depth: number;
}

export interface SyntaxError {
  readonly line: number;
  readonly character: number;
  readonly message: string;
}

/** What a parser makes of a text. `isKnown` false: there is no grammar, and `errors` is empty because nothing was checked. */
export interface Outline {
  readonly isKnown: boolean;
  /** In document order, outer before inner. */
  readonly declarations: readonly Declaration[];
  /** In document order, at most 50. */
  readonly errors: readonly SyntaxError[];
}

export interface Syntax {
  /** Parses with the language's grammar. Never throws on bad text. */
  outline(text: string, languageId: string): Promise<Outline>;
}

export interface Files {
  /** The file's text, or null when there is none. Throws TandemError bad-input when it is there but is not text. */
  readText(uri: string): Promise<string | null>;
  /** Names of the entries of a folder; empty when there is none. */
  list(folderUri: string): Promise<readonly string[]>;
}

/** How the orchestrator before this one ended. */
export interface LastLife {
  readonly pid: number;
  /** Milliseconds since 1970, as `seenMs`. */
  readonly startedMs: number;
  /** Its last entry in the journal. */
  readonly seenMs: number;
  /** False: it was killed, or crashed. */
  readonly isClean: boolean;
}

/** An engine that was loaded when its orchestrator died. */
export interface Intent {
  /** The model and where it ran, for people. */
  readonly description: string;
  /** The orchestrator's last sign of life. */
  readonly seenMs: number;
}

/**
 * What outlives the orchestrator: its newest decisions, and what it had loaded if it dies. Bounded, and without prompts, contents or
 * places of files, and keys. Writing never fails: where the disk refuses, nothing is kept.
 */
export interface Journal extends Disposable {
  /** Null: this is the first orchestrator, or the one before still runs. */
  readonly lastLife: LastLife | null;
  /** What is to be loaded again before anybody asks. */
  readonly intended: readonly Intent[];
  /**
   * Whether the engine with this key is to be loaded again: true once, and only while somebody may still wait for it. The key itself
   * is not stored.
   */
  takeIntended(key: string): boolean;
  /** The engine is loaded now. */
  remember(key: string, description: string): void;
  /** It no longer is. */
  forget(key: string): void;
  /** `input`: what it was made from, so that it can be made again; left out or null: there was no choice. */
  decided(decision: Decision, input?: RouteRecord | null): void;
  /** Another engine went on with the request of the decision with this id. */
  fellBack(id: string, seam: Seam): void;
  /** How the request of the decision with this id ended. */
  ended(id: string, outcome: Outcome): void;
  decisions(page: DecisionPage): JournalEntry[];
  /** This orchestrator leaves because it is told to: nothing is to be loaded again. Then as disposing, which alone says nothing. */
  closeCleanly(): void;
}
