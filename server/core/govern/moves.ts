import type { UnloadCause } from "./event.ts";
import type { Option } from "./loadable.ts";
import { change, type Draft, type Model } from "./state.ts";

/** What follows from regrets doubles with each, and has doubled enough by then. */
const MOST_REGRETS = 6;

/** Has a model loaded in this way; its memory is taken from now on. */
export function load(draft: Draft, key: string, { option, why }: { option: Option; why: string }): void {
  const model = draft.models.get(key);
  if (!model) return;
  const regrets = isRegretted(draft, model) ? Math.min(MOST_REGRETS, model.regrets + 1) : 0;
  const phase = { kind: "loading", option, sinceMs: draft.atMs } as const;
  change(draft, key, { phase, regrets, evictedMs: null, held: null });
  draft.effects.push({ kind: "load", key, option: option.id, why });
}

/** Why a model goes: for people, and for who counts. */
interface Parting {
  readonly why: string;
  readonly cause: UnloadCause;
}

/** Has a model unloaded, or its load broken off. Its memory stays taken until its owner says that it is gone, and the device shows it. */
export function unload(
  draft: Draft,
  key: string,
  { why, cause, graceMs }: Parting & { readonly graceMs: number },
): void {
  const model = draft.models.get(key);
  if (!model || model.phase.kind === "absent" || model.phase.kind === "room" || model.phase.kind === "unloading")
    return;
  const { option } = model.phase;
  change(draft, key, { phase: { kind: "unloading", option, sinceMs: draft.atMs } });
  draft.effects.push({ kind: "unload", key, cause, why, graceMs });
}

/** A loaded model is given nothing new, and is unloaded when it has done what it has begun. */
export function drain(
  draft: Draft,
  key: string,
  { forKey, ...parting }: Parting & { readonly forKey: string | null },
): void {
  const model = draft.models.get(key);
  if (model?.phase.kind !== "ready") return;
  change(draft, key, {
    phase: { kind: "draining", option: model.phase.option, sinceMs: draft.atMs, ...parting, forKey },
  });
}

/** A model leaves so that another one can be loaded: now if nobody uses it, else when it has done what it has begun. */
export function makeWay(draft: Draft, key: string, forKey: string): void {
  const model = draft.models.get(key);
  if (model?.phase.kind !== "ready") return;
  const why = `makes room for ${labelOf(draft, forKey)}`;
  change(draft, key, { evictedMs: draft.atMs });
  if (model.active === 0) unload(draft, key, { why, cause: "room", graceMs: 0 });
  else drain(draft, key, { why, cause: "room", forKey });
}

export function labelOf({ models }: Draft, key: string): string {
  return models.get(key)?.loadable.label ?? key;
}

/** Wanted again so soon after it had to go that letting it go was a mistake. */
function isRegretted({ atMs, rules }: Draft, { evictedMs }: Model): boolean {
  return evictedMs !== null && atMs - evictedMs < 2 * rules.maxPassedOverMs;
}
