import type { EngineConfig } from "../../server/core/assign.ts";
import { NO_TERMS } from "../../server/core/assign.ts";
import type { Loadable, Option } from "../../server/core/govern/loadable.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import { abortError, TandemError } from "../../server/errors.ts";
import type { Engine, Piece } from "../../server/ports.ts";
import type { Place } from "../../server/slot/state.ts";
import type { FakeCard } from "./card.ts";

export interface FakeModel {
  readonly id: string;
  /** What it takes of the GPU; 0: it is on a server that is there already. */
  readonly bytes: number;
  readonly parametersB?: number;
  readonly roles?: EngineConfig["roles"];
  readonly kind?: Loadable["kind"];
  /** Left out, it is loaded on the card alone. */
  readonly options?: readonly Option[];
  readonly slots?: number;
  /** No engine build can use the card: it runs on the processor, wherever it was put. */
  readonly isOnProcessor?: true;
  /** The user left the choice to us. */
  readonly isAuto?: boolean;
}

/** Models that are loaded onto a fake card as the test lets them. */
export interface FakePlaces {
  place(model: FakeModel): Place;
  /** Loads under way that the test ends, where `isHeld`. */
  readonly loads: FakeLoad[];
  /** What has been done, in order: "load big GPU-1", "unload big", "trim big". */
  readonly log: string[];
  /** Engines that are loaded, by model. */
  readonly engines: Map<string, FakeEngine>;
  /** Loads wait for the test. */
  isHeld: boolean;
}

export interface FakeLoad {
  readonly id: string;
  readonly signal: AbortSignal;
  succeed(): void;
  fail(error: unknown): void;
}

export interface FakeEngine extends Engine {
  die(why: string): void;
}

export function fakePlaces(card: FakeCard): FakePlaces {
  let pids = 100;
  const made: FakePlaces = { loads: [], log: [], engines: new Map(), isHeld: false, place };

  function place(model: FakeModel): Place {
    const { id, bytes, roles = ["draft"], kind = "writer", slots = 1 } = model;
    const onCard = { id: card.name, needs: bytes === 0 ? [] : [{ device: card.name, bytes }], why: "it fits" };
    const { options = [onCard] } = model;
    return {
      config: { id, roles, source: sourceOf(model) },
      expected: infoOf(model),
      isHere: async () => true,
      prepare: async () => ({
        loadable: { label: id, kind, options, slots, loadMs: 1_000, weight: 1 },
        open(option, _, signal) {
          made.log.push(`load ${id} ${option.id}`);
          return opened(model, option, signal);
        },
        waysToFit: () => null,
      }),
    };
  }

  async function opened(model: FakeModel, option: Option, signal: AbortSignal): Promise<Engine> {
    if (made.isHeld) {
      const done = Promise.withResolvers<void>();
      made.loads.push({ id: model.id, signal, succeed: done.resolve, fail: done.reject });
      await done.promise;
    }
    const pid = ++pids;
    const bytes = option.needs.find((it) => it.device === card.name)?.bytes ?? 0;
    if (bytes > 0 && !model.isOnProcessor) card.holds.set(pid, bytes);
    return engineOf(model, { pid, option });
  }

  function engineOf(model: FakeModel, { pid, option }: { pid: number; option: Option }): Engine {
    const gone = Promise.withResolvers<string>();
    const leave = () => {
      card.holds.delete(pid);
      made.engines.delete(model.id);
    };
    const engine: FakeEngine = {
      ...{
        model: infoOf(model),
        device: model.isOnProcessor ? "cpu" : option.id,
        slots: model.slots ?? 1,
        pid,
        serves: [],
        relay: null,
        embed: null,
      },
      ...{ held: null, placement: null, gone: gone.promise },
      generate: (_, signal) => untilAborted(signal),
      async trim() {
        made.log.push(`trim ${model.id}`);
      },
      die(why) {
        leave();
        gone.resolve(why);
      },
      async [Symbol.asyncDispose]() {
        leave();
        made.log.push(`unload ${model.id}`);
      },
    };
    made.engines.set(model.id, engine);
    return engine;
  }

  return made;
}

/** Writes one word, and goes on until somebody ends it. */
async function* untilAborted(signal: AbortSignal): AsyncGenerator<Piece, void, void> {
  yield { kind: "text", text: "word" };
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  throw abortError(signal);
}

function sourceOf({ id, bytes, isAuto = false, kind }: FakeModel): EngineConfig["source"] {
  if (bytes === 0) return { kind: "endpoint", url: `http://${id}`, modelName: null, apiKey: "" };
  return {
    ...{
      kind: "embedded",
      model: id,
      use: kind === "embedder" ? "embed" : "write",
      substitute: isAuto ? "trial" : null,
    },
    ...{
      device: "cuda:0",
      threads: 1,
      llamaServer: "",
      options: DEFAULT_OPTIONS,
      contextTokens: null,
      terms: NO_TERMS,
    },
  };
}

function infoOf({ id, parametersB = 7 }: FakeModel): Engine["model"] {
  return {
    ...{ id, label: id, parametersB, quantisation: null, contextTokens: 4_096, promptStyle: "chat", isTrial: false },
  };
}

export const noMemory = () => new TandemError("no-memory", "cudaMalloc failed", "Take a smaller one");
