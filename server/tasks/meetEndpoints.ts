import type { EngineView } from "../core/route.ts";
import { throwIfAborted } from "../errors.ts";
import type { OpenAiDeps } from "./deps.ts";

/** A server that is there says at once what it serves; one that loads its model may be asked again later. */
const PATIENCE_MS = 5_000;

/** Asks the endpoints that were not asked yet what they serve. Returns why that is not known of some of them. */
export async function meetEndpoints(
  { scheduler }: Pick<OpenAiDeps, "scheduler">,
  signal: AbortSignal,
): Promise<string[]> {
  const unmet = scheduler.snapshot().filter((it) => it.kind === "endpoint" && !it.isResident);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const reasons = unmet.map(async ({ id, device }) => {
    try {
      using _turn = await scheduler.acquire(id, () => undefined, limit);
      return [];
    } catch (error) {
      throwIfAborted(signal);
      return [`${device} does not say what it serves (${error instanceof Error ? error.message : String(error)})`];
    }
  });
  return (await Promise.all(reasons)).flat();
}

/** Whether an engine's model is known by its own name: an endpoint that was not asked yet goes by its address. */
export function isMet({ kind, isResident, model, device }: EngineView): boolean {
  return kind === "embedded" || isResident || model.id !== device;
}
