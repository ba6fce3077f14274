import { partsOf, wholeOf } from "../core/audit/parts.ts";
import { TandemError } from "../errors.ts";
import type { auditText as definition } from "../protocol/audit.ts";
import type { ParsedParamsOf, ResultOf } from "../protocol/define.ts";
import type { Emit } from "../slot/state.ts";
import { audit } from "./audit.ts";
import { carriedBy } from "./carried.ts";
import type { RunDeps } from "./deps.ts";
import { withCeiling } from "./withCeiling.ts";

/** Audits a text that is there, by the code that audits drafts. Throws TandemError. */
export async function auditText(
  params: ParsedParamsOf<typeof definition>,
  { clock, scheduler, settings }: Pick<RunDeps, "clock" | "scheduler" | "settings">,
  emit: Emit,
  signal: AbortSignal,
): Promise<ResultOf<typeof definition>> {
  const { brief, context, text, languageId, as, critiques } = params;
  // Where a task is routed it is looked at whether the cloud may see it; here nobody has.
  const place = scheduler.snapshot().find((it) => it.roles.includes("audit") && !it.isCloud);
  if (!place)
    throw new TandemError(
      "not-configured",
      "No engine of this machine audits",
      "Give one: --audit-model or --audit-endpoint",
    );
  using auditor = carriedBy(await scheduler.acquire(place.id, emit, signal), clock);
  const parts = as === "whole" ? [wholeOf(text)] : partsOf(text, languageId);
  const given = {
    auditor,
    brief,
    context,
    parts: eachOf(parts),
    reads: "afterwards",
    mostCritiques: critiques,
    emit,
  } as const;
  using ceiling = withCeiling(signal, settings);
  const auditing = audit(given, ceiling.signal);
  await auditing.done;
  if (!auditing.now) throw new TandemError("bad-input", "There is nothing to audit", "Give a text that is not empty");
  const { findings, unclear, finalPass, use } = auditing.now;
  return { findings: [...findings], parts: parts.length, unclear, finalPass, use };
}

async function* eachOf<T>(items: readonly T[]): AsyncGenerator<T, void, void> {
  yield* items;
}
