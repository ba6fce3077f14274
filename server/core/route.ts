import type { ModelInfo, Role } from "../protocol/models.ts";
import type { Backend } from "../protocol/routing.ts";
import type { RouteCandidate, Tier } from "../protocol/run.ts";
import type { BreakerView } from "../protocol/traffic.ts";
import type { ThermalLevel } from "./thermal.ts";

/** One engine at the moment of routing. Rates are EWMAs of what the engine reported; null before its first answer. */
export interface EngineView {
  readonly id: string;
  /** Empty: only for who asks for its model by name. */
  readonly roles: readonly Role[];
  readonly kind: "embedded" | "endpoint";
  /** What an endpoint serves is only known once it was asked. */
  readonly model: ModelInfo;
  readonly device: string;
  readonly isResident: boolean;
  /** Whether it takes requests in OpenAI's shape as they are; null: that shows when it is loaded. */
  readonly hasRelay: boolean | null;
  /** Other models its server can be asked for by name. */
  readonly serves: readonly string[];
  readonly slots: number;
  /** Tasks running and waiting. */
  readonly load: number;
  readonly prefillPerSecond: number | null;
  readonly decodePerSecond: number | null;
  readonly loadMs: number | null;
  /** Failures since the last success. */
  readonly failures: number;
  /** Moving share of requests that it answered, 0 to 1; null or left out: it was not asked yet. */
  readonly reliability?: number | null;
  /** Names its keys and values for all clients: another once they were freed, or it was loaded anew. Null or left out: it has none. */
  readonly cache?: string | null;
  /** The program that runs the model; left out: not told. */
  readonly backend?: Backend;
  /** Host and port of a server that is there already; null or left out: it is a process of ours. */
  readonly address?: string | null;
  /** Left out: closed. */
  readonly breaker?: BreakerView;
  /** What it is sent leaves for a provider that only answers as far as the user allows. */
  readonly isCloud?: boolean;
  /** What the same model was found to do here before this orchestrator; left out: nothing is known. */
  readonly known?: KnownRates | null;
  /** How warm its device is; left out: nobody tells. */
  readonly thermal?: ThermalLevel | null;
}

/** Rates of earlier work or of a benchmark, in tokens per second; null: never measured. */
export interface KnownRates {
  readonly prefillPerSecond: number | null;
  readonly decodePerSecond: number | null;
  readonly loadMs: number | null;
  /** For people: "measured by a benchmark", "measured in earlier work". */
  readonly origin: string;
}

/** Whether a task may be seen by a provider in the cloud. */
export interface CloudPermission {
  readonly isAllowed: boolean;
  /** Why it may or may not, for people. */
  readonly why: string;
  /** `fallback`: only where no engine here can do it. `first`: before those. */
  readonly when: "fallback" | "first";
}

export interface RouteInput {
  readonly tier: Tier;
  readonly isAudited: boolean;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly engines: readonly EngineView[];
  /** Left out or null: engines in the cloud are not asked. */
  readonly cloud?: CloudPermission | null;
  /** In [0, 1): decides between equals, so that who decides draws and what was drawn can be stored. Left out: 0. */
  readonly draw?: number;
  /** Tokens at the prompt's beginning whose keys and values an engine is thought to hold still, by its id. */
  readonly warmTokens?: Readonly<Record<string, number>>;
  /** Tokens of other prompts that an engine would have to forget for this one, by its id: who goes on with those would read them anew. */
  readonly displacedTokens?: Readonly<Record<string, number>>;
}

/** What is asked where vectors are to be made. */
export type VectorsInput = Omit<RouteInput, "tier" | "isAudited" | "outputTokens">;

export interface Route {
  readonly draft: RouteCandidate;
  readonly audit: RouteCandidate | null;
  /** Who could do it, the best first: by standing, then by time. The one that drafts may be an equal of the first. */
  readonly candidates: readonly RouteCandidate[];
  readonly why: string;
}

/** What engines hold of prompts. */
export type Warmth = Required<Pick<RouteInput, "warmTokens" | "displacedTokens">>;
