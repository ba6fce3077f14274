import type { RoleSettings, Settings } from "../protocol/settings.ts";
import type { Choice, Hardware } from "./choose.ts";

export type ModelRole = "draft" | "audit";

/** One place that can write: what it is for and how to open it. */
export interface EngineConfig {
  readonly id: string;
  readonly roles: readonly ModelRole[];
  readonly source:
    | {
        readonly kind: "embedded";
        readonly model: string;
        readonly substitute: string | null;
        readonly device: string;
        readonly threads: number;
      }
    | { readonly kind: "endpoint"; readonly url: string; readonly modelName: string | null; readonly apiKey: string };
}

/**
 * Names the engine that a source opens, the `nth` of its kind. Two sources with the same key can share one engine: a number of
 * threads makes it no other. It may hold an API key, so it is never shown or stored.
 */
export function sourceKey(source: EngineConfig["source"], nth: number): string {
  const { threads: _, ...same } = source.kind === "embedded" ? source : { ...source, threads: null };
  return JSON.stringify([nth, same]);
}

/** More threads than this per engine gain nothing on the CPUs llama.cpp was measured on, and starve the editor. */
const MOST_THREADS = 8;

export interface Machine {
  readonly hardware: Hardware;
  readonly choice: Choice;
  /** The model that is used where a chosen one cannot be had; null: none. */
  readonly stand: string | null;
}

/**
 * Which engines there are. No endpoint: two embedded engines, on two GPUs where there are two, else sharing one, else
 * sharing the CPU's cores. One endpoint: it serves both roles. Two: one each. `stand` is the model that is used where the
 * chosen one cannot be had; a model the user named is never replaced.
 */
export function assign(settings: Settings, { hardware, choice, stand }: Machine): EngineConfig[] {
  const draft = settings.draft;
  const audit = auditSettings(settings);
  const isShared = draft.endpoint !== "" && draft.endpoint === audit.endpoint && draft.model === audit.model;
  if (isShared) return [endpoint("both", ["draft", "audit"], draft)];
  const draftDevice = deviceFor(draft, choice.draft.gpu);
  const auditDevice = deviceFor(audit, choice.audit.gpu);
  const onCpu = [draft.endpoint === "" && draftDevice === "cpu", audit.endpoint === "" && auditDevice === "cpu"].filter(
    Boolean,
  ).length;
  const threads = Math.max(1, Math.min(MOST_THREADS, Math.floor(hardware.cores / Math.max(1, onCpu))));
  return [
    draft.endpoint !== ""
      ? endpoint("draft", ["draft"], draft)
      : embedded("draft", draft.model === "auto" ? choice.draft.model : draft.model, draft, draftDevice),
    audit.endpoint !== ""
      ? endpoint("audit", ["audit"], audit)
      : embedded("audit", audit.model === "auto" ? choice.audit.model : audit.model, audit, auditDevice),
  ];

  function embedded(role: ModelRole, model: string, of: RoleSettings, device: string): EngineConfig {
    const substitute = of.model === "auto" ? stand : null;
    return { id: role, roles: [role], source: { kind: "embedded", model, substitute, device, threads } };
  }
}

/** An audit with nothing set goes where the draft goes, if that is an endpoint; with a model file of the draft's own, it uses that too. */
function auditSettings({ draft, audit }: Settings): RoleSettings {
  const isUnset = audit.endpoint === "" && audit.model === "auto";
  if (!isUnset) return audit;
  if (draft.endpoint !== "") return { ...draft, device: audit.device };
  return draft.model === "auto" ? audit : { ...audit, model: draft.model };
}

function endpoint(id: string, roles: readonly ModelRole[], of: RoleSettings): EngineConfig {
  return {
    id,
    roles,
    source: { kind: "endpoint", url: of.endpoint, modelName: of.model === "auto" ? null : of.model, apiKey: of.apiKey },
  };
}

function deviceFor(of: RoleSettings, gpu: string | null): string {
  return of.device === "auto" ? (gpu ?? "cpu") : of.device;
}
