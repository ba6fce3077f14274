import { blameOf } from "../core/blame.ts";
import { TandemError } from "../errors.ts";

/** Whether a failure speaks against the engine, so that routing prefers others. A request that was turned down does not. */
export function isEnginesFault(error: unknown): boolean {
  return !(error instanceof TandemError) || blameOf(error) !== "nothing";
}
