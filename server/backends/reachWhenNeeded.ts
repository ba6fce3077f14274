import type { AskReach } from "../ports.ts";
import type { ReachDeps } from "./reach.ts";

/** The same answers by what is read with the first question: a start need not pay for it, nor a machine without GPUs. */
export function createReachWhenNeeded(deps: ReachDeps): AskReach {
  let made: Promise<AskReach> | null = null;
  const make = async () => {
    const { createReach } = await import("./reach.ts");
    return createReach(deps);
  };
  return async (wish, signal) => {
    made ??= make();
    return (await made)(wish, signal);
  };
}
