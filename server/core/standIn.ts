import type { EngineConfig } from "./assign.ts";

/** An engine as far as it may stand in for another. */
export interface Candidate {
  readonly config: EngineConfig;
  /** Null: not known. */
  readonly parametersB: number | null;
}

/**
 * The engines that may answer in place of `wanted` when there is no room for it, the largest first: smaller writers, and only where
 * neither model was named by the user, whom nobody answers with another than the one he chose.
 */
export function smallerThan<T extends Candidate>(wanted: T, all: readonly T[]): T[] {
  const { parametersB } = wanted;
  if (parametersB === null || !isReplaceable(wanted)) return [];
  return all
    .filter((it) => isReplaceable(it) && it.parametersB !== null && it.parametersB < parametersB)
    .toSorted((a, b) => (b.parametersB ?? 0) - (a.parametersB ?? 0));
}

/** Chosen by us, and writes. */
function isReplaceable({ config }: Candidate): boolean {
  const { source } = config;
  return source.kind === "embedded" && source.substitute !== null && source.use === "write";
}
