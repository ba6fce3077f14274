import type { LoadOptions } from "../engineSpec.ts";
import type { Config } from "../protocol/config.ts";
import type { ConfigModel } from "../protocol/configModel.ts";
import { GOVERN_RULES, type GovernRules } from "./govern/rules.ts";
import { DEFAULT_OPTIONS } from "./loadOptions.ts";
import type { PressureRules } from "./pressure.ts";
import type { ThermalRules } from "./thermal.ts";

/** Binary, as cards are sold: 24 GB are 25,769,803,776 bytes. */
const GB = 1024 ** 3;

/** By what the governor decides. */
export function governRulesOf({ memory }: Config): GovernRules {
  return {
    minResidencyMs: memory.minResidencySeconds * 1_000,
    maxPassedOverMs: memory.maxPassedOverSeconds * 1_000,
    trimAfterMs: memory.trimAfterSeconds * 1_000,
    unloadAfterMs: memory.unloadAfterSeconds * 1_000,
    moderateIdleMs: memory.moderateIdleSeconds * 1_000,
    highIdleMs: memory.highIdleSeconds * 1_000,
    graceMs: memory.graceSeconds * 1_000,
    settleMs: memory.settleSeconds * 1_000,
    mostWaiting: memory.mostWaiting,
    // Not for users to set: who wants background work to go first does not call it that.
    mostPreemptions: GOVERN_RULES.mostPreemptions,
    mostBackgroundPreemptions: GOVERN_RULES.mostBackgroundPreemptions,
    besideInteractive: GOVERN_RULES.besideInteractive,
    blindShare: memory.blindPercent / 100,
  };
}

/** How full a GPU may be before something is done. */
export function pressureRulesOf({ memory: { pressure } }: Config): PressureRules {
  return {
    moderate: pressure.moderatePercent,
    high: pressure.highPercent,
    critical: pressure.criticalPercent,
    slackPoints: pressure.slackPoints,
    dwellMs: pressure.dwellSeconds * 1_000,
  };
}

/** How warm a GPU may be before something is done. */
export function thermalRulesOf({ thermal }: Config): ThermalRules {
  return {
    warm: thermal.warmCelsius,
    hot: thermal.hotCelsius,
    critical: thermal.criticalCelsius,
    slackDegrees: thermal.slackDegrees,
    dwellMs: thermal.dwellSeconds * 1_000,
    slopeMs: thermal.slopeSeconds * 1_000,
  };
}

/** What no model gets of the GPU with this uuid. */
export function reserveBytesOf({ memory }: Config, uuid: string): number {
  return Math.round((memory.gpuReserveGb[uuid] ?? memory.reserveGb) * GB);
}

/** How the user wants a model loaded; what is not said is as everywhere. */
export function loadOptionsOf(model: ConfigModel): LoadOptions {
  const { adapter, extraArguments = [] } = model;
  return {
    slots: model.slots ?? DEFAULT_OPTIONS.slots,
    keyType: model.keyType ?? DEFAULT_OPTIONS.keyType,
    valueType: model.valueType ?? DEFAULT_OPTIONS.valueType,
    flashAttention: model.flashAttention ?? DEFAULT_OPTIONS.flashAttention,
    gpuLayers: model.gpuLayers ?? DEFAULT_OPTIONS.gpuLayers,
    extraArguments: adapter === undefined ? extraArguments : ["--lora", adapter, ...extraArguments],
  };
}

/** The bytes of a role's or a model's limit. */
export function limitBytesOf(gb: number | null | undefined): number | null {
  return gb === null || gb === undefined ? null : gb * GB;
}
