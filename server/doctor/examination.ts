import type { Need } from "../core/govern/loadable.ts";
import type { Advice } from "../core/hardwareAdvice.ts";
import type { Tiering } from "../core/hardwareTier.ts";
import type { PressureLevel } from "../core/pressure.ts";
import type { GpuReading, Health, Trouble } from "../core/telemetry.ts";
import type { ThermalLevel } from "../core/thermal.ts";
import type { Problem } from "../protocol/doctor.ts";
import type { FoundServer } from "../protocol/registry.ts";
import type { FolderState } from "./folders.ts";
import type { Programs } from "./programs.ts";

/** A GPU as it was found. */
export interface FoundGpu extends GpuReading {
  readonly health: Exclude<Health, "absent" | "stale">;
  readonly pressure: PressureLevel | null;
  readonly thermal: { readonly level: ThermalLevel; readonly why: string } | null;
  /** Kept free of models. */
  readonly reserveBytes: number;
}

/** A model that would be used, and where. */
export interface FoundModel {
  readonly role: string;
  readonly id: string;
  /** The device, or the endpoint's address. */
  readonly where: string;
  /** `here`: no download is needed. `endpoint`: it is not Tandem's to have. */
  readonly state: "here" | "to-download" | "no-such-file" | "unknown" | "endpoint";
  /** To download; null where that is not known. */
  readonly bytes: number | null;
  /** The uuid of the GPU it would be put on; null: on none, or it is not known on which. */
  readonly gpu: string | null;
  /** What it would take of it, with its context; null where that is not known before its file is here. */
  readonly needBytes: number | null;
}

export type FoundOrchestrator =
  | {
      readonly state: "running";
      readonly pid: number;
      readonly version: string;
      /** Left out by the orchestrator itself, which is asked by one of many. */
      readonly engines?: number;
      readonly clients?: number;
      /** What its models hold of each device, by uuid or "cpu"; left out as these. */
      readonly held?: readonly Need[];
    }
  | { readonly state: "none" }
  | ({ readonly state: "unreachable" } & Trouble);

/** All that `tandem doctor` finds; what `--json` prints. */
export interface Examination {
  readonly version: string;
  readonly node: string;
  readonly system: string;
  readonly processor: { readonly name: string; readonly cores: number };
  readonly ramBytes: number;
  readonly gpus: readonly FoundGpu[];
  readonly instances: readonly {
    readonly card: string;
    readonly uuid: string;
    readonly profile: string;
    readonly bytes: number;
  }[];
  /** What each make's driver said beside the readings. */
  readonly makes: readonly {
    readonly vendor: string;
    readonly state: "absent" | "broken";
    readonly reason: string;
    readonly nextStep: string | null;
  }[];
  readonly tier: Tiering["tier"];
  readonly tierWhy: readonly string[];
  readonly advice: Advice;
  readonly programs: Programs;
  readonly config: {
    readonly path: string;
    readonly isThere: boolean;
    readonly problems: readonly {
      readonly line: number | null;
      readonly column: number | null;
      readonly message: string;
      readonly isVariable?: true;
    }[];
  };
  /** Servers that run already. */
  readonly running: readonly FoundServer[];
  readonly models: readonly FoundModel[];
  readonly modelsWhy: string;
  readonly orchestrator: FoundOrchestrator;
  readonly folders: readonly FolderState[];
}

export type { Problem };
