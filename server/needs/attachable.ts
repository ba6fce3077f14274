import type { Loadable } from "../core/govern/loadable.ts";

/** A server that is there already: it takes nothing of this machine that Tandem could give or take away. */
export function attachable(label: string): Omit<Loadable, "key"> {
  const options = [{ id: "attached", needs: [], why: "the server runs already" }];
  return { label, kind: "writer", options, slots: 1, loadMs: 0, weight: 1 };
}
