import { bytesOn, needsOf } from "./ledger.ts";
import type { Asked, Draft, GovernState, Grant, Model } from "./state.ts";

/** Another model that answers somebody who waits for it, on a device that this one computes on too; null: there is none. */
export function rivalOf(
  draft: Pick<Draft, "models" | "requests" | "rules">,
  key: string,
): { readonly key: string; readonly device: string } | null {
  const model = draft.models.get(key);
  if (!model || draft.rules.besideInteractive === "runs") return null;
  const devices = computesOn(model);
  if (devices.length === 0) return null;
  for (const { priority, grant } of draft.requests.values()) {
    if (priority !== "interactive" || grant === null || grant.key === key || !isOfThisLife(draft, grant)) continue;
    const rival = draft.models.get(grant.key);
    const device = rival && computesOn(rival).find((it) => devices.includes(it));
    if (device !== undefined) return { key: grant.key, device };
  }
  return null;
}

/** The GPUs that it is on; the processor where it is on none. What a model on a GPU keeps in main memory is not computed with. */
function computesOn(model: Model): readonly string[] {
  const { phase } = model;
  if (phase.kind === "absent") return [];
  const needs = needsOf(model, phase.option);
  const all = needs.map((it) => it.device).filter((device) => bytesOn(needs, device) > 0);
  const gpus = all.filter((it) => it !== "cpu");
  return gpus.length > 0 ? gpus : all;
}

/** Whether a turn is on what is loaded now. */
export function isOfThisLife({ models }: Pick<GovernState, "models">, grant: Grant): boolean {
  return models.get(grant.key)?.life === grant.life;
}

export type Granted = Asked & { readonly grant: Grant };

/** Whether a turn may be ended for more urgent work. */
export function mayEnd(draft: Pick<Draft, "models" | "rules">, asked: Asked): asked is Granted {
  const { grant, isOffered, preempted, priority } = asked;
  if (grant === null || !isOffered || grant.isEnding || grant.isKept) return false;
  const { mostPreemptions, mostBackgroundPreemptions } = draft.rules;
  const most = priority === "background" ? mostBackgroundPreemptions : mostPreemptions;
  return preempted < most && isOfThisLife(draft, grant);
}

/** Whether nobody but background work uses it that can go on later, or waits for it. */
export function isForBackground(draft: Pick<Draft, "models" | "requests" | "rules">, key: string): boolean {
  for (const it of draft.requests.values()) {
    if (it.grant === null ? it.target !== key : it.grant.key !== key || !isOfThisLife(draft, it.grant)) continue;
    if (it.priority !== "background") return false;
    if (it.grant !== null && !it.grant.isEnding && !mayEnd(draft, it)) return false;
  }
  return true;
}
