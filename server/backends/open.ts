import type { Register } from "../lifelines/register.ts";
import type { Log, OpenEngine } from "../ports.ts";
import type { Recognise } from "./attach.ts";
import type { CardFacts } from "./llamaDevices.ts";

export interface OpenDeps {
  readonly log: Log;
  /** The engine child's program. */
  readonly childPath: string;
  /** The program that watches over foreign servers. */
  readonly shimPath: string;
  /** Where processes are written down for the next start; null: nowhere. */
  readonly register: Register | null;
  readonly recognise?: Recognise;
  /** The cards of this machine, as far as anybody knows them. */
  readonly cards?: () => readonly CardFacts[];
  /** Where fetched builds of llama.cpp lie. */
  readonly builds?: string;
}

/**
 * The one way to any engine, whatever it runs in. What an engine needs is loaded with the first of its kind: the network stack costs
 * tens of milliseconds, which a start need not pay.
 */
export function createOpenEngine(deps: OpenDeps): OpenEngine {
  const open = openerOf(deps);
  return async (spec, signal) => {
    const engine = await open(spec, signal);
    if (!engine.embed) return engine;
    const { vectorSourceOf } = await import("./vectorSource.ts");
    try {
      return { ...engine, vectorSource: await vectorSourceOf(spec, engine) };
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
  };
}

function openerOf(deps: OpenDeps): OpenEngine {
  return async (spec, signal) => {
    switch (spec.kind) {
      case "embedded": {
        const { openEmbedded } = await import("./embedded.ts");
        return openEmbedded(spec, deps, signal);
      }
      case "llama-server": {
        const { openLlamaServer } = await import("./llamaServer.ts");
        return openLlamaServer(spec, deps, signal);
      }
      case "vllm": {
        const { openVllm } = await import("./vllm.ts");
        return openVllm(spec, deps, signal);
      }
      case "endpoint": {
        const { openEndpoint } = await import("./openai.ts");
        return openEndpoint(spec, deps, signal);
      }
    }
  };
}
