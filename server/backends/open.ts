import type { OpenEngine } from "../ports.ts";
import { type EmbeddedDeps, openEmbedded } from "./embedded.ts";
import { type EndpointDeps, openEndpoint } from "./openai.ts";

/** The one way to any engine, whatever it runs in. */
export function createOpenEngine(deps: EmbeddedDeps & EndpointDeps): OpenEngine {
  return (spec, signal) => {
    switch (spec.kind) {
      case "embedded":
        return openEmbedded(spec, deps, signal);
      case "endpoint":
        return openEndpoint(spec, deps, signal);
    }
  };
}
