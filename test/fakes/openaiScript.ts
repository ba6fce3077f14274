/** How the fake answers one request. Plain text stands for `{ text }`. */
export interface Script {
  /** What the model writes. It goes out in pieces the size of words; give `pieces` to choose the borders. */
  readonly text?: string;
  readonly pieces?: readonly string[];
  /** Sent before the text: `reasoning_content` of a chat answer. */
  readonly reasoning?: string;
  /** Calls of tools that a chat answer asks for, after its text. */
  readonly toolCalls?: readonly ScriptedCall[];
  /** Left out: `tool_calls` where there are any, else `stop`. */
  readonly finish?: "stop" | "length";
  /** Prompt tokens reported as found in the cache. */
  readonly cachedTokens?: number;
  /** Awaited before each piece: hand in a gate's `wait` to hold the stream where a test wants it. */
  readonly beforePiece?: (index: number) => Promise<void>;
  readonly fault?: Fault;
  /** Goes on working when the client has left, to the end: the slot stays taken. */
  readonly isDeaf?: boolean;
}

export interface ScriptedCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/**
 * What goes wrong. `after` counts pieces of text that still arrive whole, and then the events that end an answer: the reason, the usage,
 * `[DONE]`.
 */
export type Fault =
  /** An HTTP error. A string body goes out as it is, anything else as JSON. */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Takes the request and never answers. */
  | { readonly kind: "hang" }
  /** Closes the connection without an answer. */
  | { readonly kind: "reset" }
  /** 200 with something that is not a stream of events. */
  | { readonly kind: "page"; readonly contentType: string; readonly body: string }
  /** Falls silent with the connection open. */
  | { readonly kind: "stall"; readonly after: number }
  /** Ends the answer properly as HTTP, without a finish reason or `[DONE]`. */
  | { readonly kind: "truncate"; readonly after: number }
  /** Breaks the connection in the middle of an event. */
  | { readonly kind: "disconnect"; readonly after: number }
  /** Sends an event that is not JSON, then goes on. */
  | { readonly kind: "garbage"; readonly after: number }
  /** Sends something that is no token again and again: a comment, an empty event, a part of one. */
  | {
      readonly kind: "drip";
      readonly after: number;
      readonly text: string;
      readonly everyMs: number;
      readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
    }
  /** Sends headers that do not end, a byte at a time. */
  | {
      readonly kind: "drip-headers";
      readonly everyMs: number;
      readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
    }
  /** Sends an error event, as llama-server and vLLM do when generation fails after the headers. */
  | { readonly kind: "error-event"; readonly after: number; readonly message: string };

/** Holds a stream until the test lets pieces through. */
export interface Gate {
  /** Give this as `beforePiece`. */
  readonly wait: () => Promise<void>;
  /** Lets that many more pieces through; all of them when left out. */
  open(pieces?: number): void;
}

export function createGate(): Gate {
  let allowed = 0;
  let waiting: (() => void)[] = [];
  function release(): void {
    const free = waiting.slice(0, allowed);
    waiting = waiting.slice(free.length);
    allowed -= free.length;
    for (const go of free) go();
  }
  return {
    wait: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        release();
      }),
    open(pieces = Number.POSITIVE_INFINITY) {
      allowed += pieces;
      release();
    },
  };
}

/** Pieces the size of words, white space in front, as tokenizers cut. Their concatenation is the text. */
export function piecesOf(script: Script): readonly string[] {
  return script.pieces ?? (script.text ?? "").match(/\s*\S{1,8}|\s+$/gu) ?? [];
}

/** A stand-in for a tokenizer's count. */
export function countTokens(text: string): number {
  return text.match(/\s*\S{1,8}|\s+$/gu)?.length ?? 0;
}
