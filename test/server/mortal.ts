import { type EngineConfig, NO_TERMS } from "../../server/core/assign.ts";
import type { Priority } from "../../server/core/govern/event.ts";
import { GOVERN_RULES } from "../../server/core/govern/rules.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import { abortError, TandemError } from "../../server/errors.ts";
import type { Engine, GenerateRequest, Piece } from "../../server/ports.ts";
import type { ModelInfo, Role } from "../../server/protocol/models.ts";
import { createEnginePool, type Membership } from "../../server/scheduler.ts";
import type { Place } from "../../server/slot/state.ts";
import { fakeCard, GB } from "../fakes/card.ts";
import { silentLog } from "../fakes/log.ts";

/** What an engine does with one request: it writes its model's text from where that is to go on, and breaks after so many characters. */
export interface Mortal {
  readonly id: string;
  readonly roles?: readonly Role[];
  readonly model?: Partial<ModelInfo>;
  /** Before each request; null: it lives. */
  readonly dies: (request: GenerateRequest) => Death | null;
  /** Where pieces end; left out: in words. */
  readonly pieces?: (text: string) => readonly string[];
  /** Awaited before each piece, unless the request is broken off. */
  readonly beforePiece?: () => Promise<void> | undefined;
  /** It cannot be loaded at all. */
  readonly cannotLoad?: TandemError;
}

export interface Death {
  /** Characters that still come; beyond the text's end: all of them, and no `done`. */
  readonly after: number;
  readonly error?: Error;
}

export interface MortalPool extends AsyncDisposable {
  readonly member: Membership;
  /** Another client with the same engines. */
  join(priority: Priority): Membership;
  /** In order: which engine was asked, and for what. */
  readonly asked: { readonly id: string; readonly request: GenerateRequest }[];
}

/** After this the same engine is asked once more. */
export const broke = () => new TandemError("provider", "the process was killed", "Run it again");

/** After this it is not. */
export const stuck = () => new TandemError("timeout", "no token in 60 s", "Wait");

/** The real engines' owner with engines that all run the same model, which writes `text` whatever it is asked, and die as told. */
export function mortalPool(text: string, mortals: readonly Mortal[]): MortalPool {
  const asked: MortalPool["asked"][number][] = [];
  let nowMs = 0;
  const pool = createEnginePool({
    clock: { nowMs: () => nowMs++ },
    log: silentLog,
    devices: fakeCard(64 * GB),
    rules: () => GOVERN_RULES,
    wasResident: () => false,
    onChange: () => undefined,
  });
  const places = mortals.map((it) => placeOf(it, { text, hear: (request) => asked.push({ id: it.id, request }) }));
  const join = (priority: Priority) => {
    const member = pool.join(priority);
    member.configure(places);
    return member;
  };
  return { member: join("interactive"), join, asked, [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() };
}

interface Given {
  readonly text: string;
  readonly hear: (request: GenerateRequest) => void;
}

function placeOf(mortal: Mortal, given: Given): Place {
  const { id, roles = ["draft"] } = mortal;
  const model: ModelInfo = {
    ...{ id, label: id, parametersB: 7, quantisation: null },
    ...{ contextTokens: 4_096, promptStyle: "chat", isTrial: false },
    ...mortal.model,
  };
  const options = [{ id: "cpu", needs: [], why: "it is small" }];
  const source: EngineConfig["source"] = {
    kind: "embedded",
    ...{ model: id, use: "write", substitute: null, device: "cpu", threads: 1, llamaServer: "" },
    ...{ options: DEFAULT_OPTIONS, contextTokens: null, terms: NO_TERMS },
  };
  return {
    config: { id, roles, source },
    expected: model,
    isHere: async () => true,
    prepare: async () => ({
      loadable: { label: id, kind: "writer", options, slots: 1, loadMs: 100, weight: 1 },
      async open() {
        if (mortal.cannotLoad) throw mortal.cannotLoad;
        return engineOf(model, mortal, given);
      },
      waysToFit: () => null,
    }),
  };
}

function engineOf(model: ModelInfo, mortal: Mortal, { text, hear }: Given): Engine {
  async function* generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, void, void> {
    hear(request);
    const death = mortal.dies(request);
    const there = request.continues ?? "";
    // The model would write something else after another text: nothing of it may be lost or changed.
    if (!text.startsWith(there)) throw new Error(`asked to go on after ${JSON.stringify(there)}`);
    const all = (mortal.pieces ?? words)(text.slice(there.length));
    const pieces = all.slice(0, request.maxTokens);
    let sent = 0;
    for (const piece of pieces) {
      await Promise.race([mortal.beforePiece?.(), fired(signal)]);
      if (signal.aborted) throw abortError(signal);
      if (death && sent >= death.after) throw death.error ?? broke();
      sent += piece.length;
      yield { kind: "text", text: piece };
    }
    if (death) throw death.error ?? broke();
    const promptTokens = 10 + words(there).length;
    const counts = { promptTokens, cachedTokens: 0, completionTokens: pieces.length, prefillMs: 5, decodeMs: 7 };
    yield { kind: "done", finish: pieces.length < all.length ? "length" : "stop", ...counts };
  }
  return {
    ...{ model, device: "cpu", slots: 1, pid: null, serves: [], relay: null, embed: null, held: null, trim: null },
    ...{ placement: null, gone: new Promise<string>(() => undefined), generate },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function words(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/gu) ?? [];
}
