import type { LocalSource } from "./core/assign.ts";
import type { Loadable } from "./core/govern/loadable.ts";
import type { ModelFile } from "./ports.ts";

/** What a model file takes here, and where it can go, the best first. */
export async function loadableOf(
  source: LocalSource,
  { model }: ModelFile,
  _signal: AbortSignal,
): Promise<Omit<Loadable, "key">> {
  return {
    label: model.label,
    kind: source.use === "embed" ? "embedder" : "writer",
    options: [{ id: source.device, needs: [], why: "as the settings say" }],
    slots: 1,
    loadMs: 0,
    weight: 1,
  };
}

/** A server that is there already: it takes nothing of this machine that Tandem could give or take away. */
export function attachable(label: string): Omit<Loadable, "key"> {
  const options = [{ id: "attached", needs: [], why: "the server runs already" }];
  return { label, kind: "writer", options, slots: 1, loadMs: 0, weight: 1 };
}
