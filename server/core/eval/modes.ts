import type { ClientSettings } from "../../protocol/settings.ts";
import type { EngineStatus } from "../../protocol/status.ts";
import type { EvalMode } from "./outcome.ts";

/** The two models that are compared, by the names that a routing rule takes; null: there is none, or both are the same. */
export interface Rivals {
  readonly large: string | null;
  readonly small: string | null;
}

/** Matches every instruction. */
const ANY = ".";

/** A client's settings for one mode: the user's own, but for what the mode is about. */
export function settingsOf(mode: EvalMode, own: ClientSettings, { large, small }: Rivals): ClientSettings {
  const alone: ClientSettings = { ...own, auditWhen: "never", repair: "never" };
  switch (mode) {
    case "draft":
      return alone;
    case "audit":
      return { ...own, auditWhen: "always", repair: "once" };
    case "large":
      return large === null ? alone : { ...alone, rules: [{ pattern: ANY, model: large }] };
    case "small":
      return small === null ? alone : { ...alone, rules: [{ pattern: ANY, model: small }] };
  }
}

type Engine = Pick<EngineStatus, "id" | "roles" | "model">;

/** Whose engine does what, where the user has set it up: the large model is that of the high tier, else the drafter. */
export function rivalEngines<E extends Engine>(engines: readonly E[]): { large: E | null; small: E | null } {
  const having = (role: Engine["roles"][number]) => engines.find((it) => it.roles.includes(role)) ?? null;
  return { large: having("high") ?? having("draft"), small: having("low") ?? having("audit") };
}
