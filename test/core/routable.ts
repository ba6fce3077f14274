import type { EngineView } from "../../server/core/route.ts";
import type { ModelInfo } from "../../server/protocol/models.ts";

export const MODEL: ModelInfo = {
  id: "",
  label: "",
  parametersB: 7,
  quantisation: null,
  contextTokens: 4_096,
  promptStyle: "chat",
  isTrial: false,
};

/** A loaded engine that drafts 50 and reads 1,000 tokens a second, and has nothing to do. */
export function routable(id: string, more: Partial<EngineView> = {}): EngineView {
  return {
    id,
    roles: ["draft"],
    kind: "embedded",
    model: { ...MODEL, id, label: id },
    device: "cuda:0",
    isResident: true,
    hasRelay: false,
    serves: [],
    slots: 1,
    load: 0,
    prefillPerSecond: 1_000,
    decodePerSecond: 50,
    loadMs: 4_000,
    failures: 0,
    ...more,
  };
}
