import type { EngineView, RouteInput } from "../route.ts";
import type { Ranked } from "./price.ts";
import { placeText } from "./words.ts";

interface Shown {
  readonly draft: Ranked;
  readonly audit: EngineView | null;
}

/** Why these two, for people. */
export function reason(input: RouteInput, { draft, audit }: Shown): string {
  const { engine } = draft;
  const work = `${workText(input, draft)}: ${placeText(engine)}`;
  if (!audit) return work;
  const where =
    audit.id === engine.id
      ? "the same engine audits, which overlaps only if it has a second slot"
      : `${placeText(audit)} audits while it writes`;
  return `${work}; ${where}`;
}

/** Whether the cloud sees it, where that had to be decided; null: nobody in the cloud could have been asked. */
export function cloudText({ engines, cloud }: RouteInput, { isCloud }: EngineView): string | null {
  if (!engines.some((it) => it.isCloud)) return null;
  if (isCloud) return `it leaves this machine: ${cloud?.why ?? "the cloud is allowed"}`;
  if (cloud?.isAllowed) return cloud.when === "fallback" ? "the cloud may be asked where nobody here can" : null;
  return `it stays here: ${cloud?.why ?? "the cloud is not allowed"}`;
}

function workText({ tier, engines }: RouteInput, { engine, standing }: Ranked): string {
  const task = `a ${tier} task`;
  switch (standing) {
    case "cloud first":
      return `${task} goes to the cloud first`;
    case "cloud":
      return `${task} goes to the cloud, as no engine here can be asked`;
    case "shut":
      return `${task} goes to an engine that gets no requests for now, as there is no other`;
    case "drafts":
    case "other":
      return `${task} goes to who else there is, as no engine that is meant for it can be asked`;
    case "meant":
      break;
  }
  if (engine.roles.includes(tier === "simple" ? "low" : "high"))
    return `${task} goes to the provider for ${tier === "simple" ? "simple" : "difficult"} work`;
  const isOnly = engines.filter((it) => it.roles.includes("draft")).length === 1;
  return tier === "simple" || !isOnly
    ? `${task} goes to the engine that is done first`
    : `${task} goes to the drafting model`;
}
