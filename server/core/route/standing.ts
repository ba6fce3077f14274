import type { Role } from "../../protocol/models.ts";
import type { Standing } from "../../protocol/run.ts";
import type { EngineView, RouteInput } from "../route.ts";
import { isShut } from "./price.ts";

/** What decides who may do a task at all, and who is meant to. */
export interface Question extends Pick<RouteInput, "tier" | "cloud"> {
  /** The role of who is meant where the user has set providers for such tasks; null: he has set none. */
  readonly provider: Role | null;
  /** The only engine there is to audit it, where others draft: a second model is to look at what the first wrote. Null: none is. */
  readonly soleAuditor: string | null;
}

/** `input` as far as it decides that. */
export function questionOf({ tier, cloud, engines, isAudited }: RouteInput): Question {
  const role = tier === "simple" ? "low" : "high";
  const auditors = engines.filter((it) => it.roles.includes("audit") && !it.isCloud && !isShut(it));
  const provider = engines.some((it) => it.roles.includes(role)) ? role : null;
  return { tier, cloud: cloud ?? null, provider, soleAuditor: (isAudited && oneOf(auditors)?.id) || null };
}

function oneOf(engines: readonly EngineView[]): EngineView | null {
  const [only, ...others] = engines;
  return only && others.length === 0 ? only : null;
}

/**
 * How an engine stands to a task, whatever it costs; null: it may not do it at all. Who stands better comes first, by `ORDER`. Where the
 * user has set providers for the quality tiers, simple work is for `low` and all other for `high`; else simple work is for everybody but who
 * alone can audit it, and all other for those that draft.
 */
export function standingOf(engine: EngineView, question: Question): Standing | null {
  const { cloud } = question;
  if (!engine.roles.some((it) => it !== "embed")) return null;
  if (engine.isCloud && !cloud?.isAllowed) return null;
  if (isShut(engine)) return "shut";
  if (engine.isCloud) return cloud?.when === "first" ? "cloud first" : "cloud";
  if (isMeant(engine, question)) return "meant";
  return engine.roles.includes("draft") || engine.roles.includes("high") ? "drafts" : "other";
}

/** The same for vectors, which are made by engines meant for them and by no others. */
export function vectorStandingOf(engine: EngineView, { cloud }: Pick<Question, "cloud">): Standing | null {
  if (!engine.roles.includes("embed") || (engine.isCloud && !cloud?.isAllowed)) return null;
  if (isShut(engine)) return "shut";
  return engine.isCloud ? "cloud" : "meant";
}

/** Best first. */
export const ORDER: readonly Standing[] = ["cloud first", "meant", "drafts", "other", "cloud", "shut"];

function isMeant({ id, roles }: EngineView, { tier, provider, soleAuditor }: Question): boolean {
  if (provider !== null) return roles.includes(provider);
  return roles.includes("draft") || (tier === "simple" && roles.includes("audit") && id !== soleAuditor);
}
