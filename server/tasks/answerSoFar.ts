import { TandemError } from "../errors.ts";
import type { GenerateRequest, Piece } from "../ports.ts";
import type { EngineUse } from "../protocol/run.ts";
import type { Lease } from "../slot/lease.ts";
import type { Meter } from "./meter.ts";

/** What is there of one answer, and what it cost, engine by engine. */
export interface AnswerSoFar {
  readonly text: string;
  /** Of tokens there may be no more. */
  readonly isFull: boolean;
  /** An engine begins to write, or goes on. */
  begin(meter: Meter): Leg;
  /** Nothing of it counts any more. */
  startOver(): void;
  /** How the rest of it is asked for. */
  rest(): Pick<GenerateRequest, "continues" | "maxTokens">;
  /** The end of one that has all its tokens, though no engine said so. */
  ended(): Piece;
  used(lease: Lease): EngineUse;
}

/** One engine's share in it. */
export interface Leg {
  see(piece: Piece): void;
  /** The engine's `done` as that of the whole answer. */
  done(piece: Extract<Piece, { kind: "done" }>): Piece;
  /** Throws where the stream is over without a `done`. */
  check(lease: Lease): void;
  breakOff(): void;
  /** Who asks may have enough before the engine is done. */
  finish(): void;
}

export function createAnswer({
  continues = "",
  maxTokens,
}: Pick<GenerateRequest, "continues" | "maxTokens">): AnswerSoFar {
  let text = "";
  const uses: EngineUse[] = [];
  return {
    get text() {
      return text;
    },
    get isFull() {
      return text !== "" && summed(uses).completionTokens >= maxTokens;
    },
    begin: (meter) => createLeg(meter, uses, (more) => (text += more)),
    startOver() {
      text = "";
      uses.length = 0;
    },
    rest() {
      const there = continues + text;
      const left = Math.max(1, maxTokens - summed(uses).completionTokens);
      return { maxTokens: left, ...(there === "" ? {} : { continues: there }) };
    },
    ended: () => ({ kind: "done", finish: "length", cachedTokens: 0, ...summed(uses) }),
    used({ engine }) {
      const all = summed(uses);
      const tokensPerSecond = all.decodeMs > 0 ? all.completionTokens / (all.decodeMs / 1000) : null;
      const ttftMs = uses.find((it) => it.ttftMs !== null)?.ttftMs ?? null;
      return { model: engine.model, device: engine.device, ...all, ttftMs, tokensPerSecond };
    },
  };
}

function createLeg(meter: Meter, uses: EngineUse[], onText: (text: string) => void): Leg {
  let isOver = false;
  let isDone = false;
  const end = (use: () => EngineUse) => {
    if (!isOver) uses.push(use());
    isOver = true;
  };
  return {
    see(piece) {
      meter.see(piece);
      if (piece.kind === "text") onText(piece.text);
      else isDone = true;
    },
    done(piece) {
      end(meter.finish);
      const all = summed(uses);
      return { ...piece, ...all, cachedTokens: Math.min(piece.cachedTokens, all.promptTokens) };
    },
    check({ engine }) {
      if (!isDone)
        throw new TandemError("provider", `${engine.device} stopped without saying that it is done`, "Run it again");
    },
    breakOff: () => end(meter.breakOff),
    finish: () => end(meter.finish),
  };
}

/** Engines one after the other as one: each read the text of those before it as part of its prompt, which is counted once. */
function summed(uses: readonly EngineUse[]) {
  const add = (of: (use: EngineUse) => number) => uses.reduce((total, use) => total + of(use), 0);
  const last = uses.at(-1);
  const completionTokens = add((it) => it.completionTokens);
  const reread = completionTokens - (last?.completionTokens ?? 0);
  return {
    promptTokens: Math.max(0, (last?.promptTokens ?? 0) - reread),
    completionTokens,
    prefillMs: add((it) => it.prefillMs),
    decodeMs: add((it) => it.decodeMs),
  };
}
