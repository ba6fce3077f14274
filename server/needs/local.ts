import { createHash } from "node:crypto";
import type { Learnt, LoadOf } from "../calibration/calibration.ts";
import type { LocalSource } from "../core/assign.ts";
import { type Hardware, mainReserveBytes, needBytes } from "../core/choose.ts";
import { provenRoom } from "../core/correction.ts";
import { estimate } from "../core/estimate.ts";
import { type Alternative, tooSmall, waysText, waysToFit } from "../core/estimateFit.ts";
import { CPU_STEP_TOKENS, DEFAULT_PLAN, type LoadPlan } from "../core/estimatePlan.ts";
import type { Loadable, Option } from "../core/govern/loadable.ts";
import { reckonedPlaceable, roughPlaceable } from "../core/placeNeeds.ts";
import { optionsFor } from "../core/placeOptions.ts";
import type { PlacedOption, Spread } from "../core/placeSpread.ts";
import type { LocalSpec } from "../engineSpec.ts";
import type { CatalogueEntry } from "../models/catalogue.ts";
import type { ModelFile } from "../ports.ts";
import type { Beside } from "./beside.ts";
import type { Shape } from "./shape.ts";

/** What a model file takes here, and how it is loaded so that it comes to lie where it was reckoned to. */
export interface LocalNeeds {
  readonly loadable: Omit<Loadable, "key">;
  specOf(option: Option): Pick<LocalSpec, "device" | "cards" | "options" | "contextTokens">;
  /** Null for an option whose device nothing is known of. */
  planOf(option: Option): LoadPlan | null;
  /** What it is remembered by. */
  readonly backend: string;
  readonly shape: Shape;
  readonly beside: Beside;
  /** The cheapest changes with which it would fit; null: it fits, or nothing single would make it. */
  waysToFit(): string | null;
}

export interface LocalGiven {
  readonly source: LocalSource;
  readonly file: ModelFile;
  readonly shape: Shape;
  readonly beside: Beside;
  readonly hardware: Hardware;
  readonly learnt: Learnt;
  readonly reserveBytes: (uuid: string) => number;
  readonly catalogue: readonly CatalogueEntry[];
}

/** What an engine reads from a disk in a second where nothing was measured: seed 000's 7B model took 15 to 20 s when it was cold. */
const READ_BYTES_PER_S = 250_000_000;
/** The process, its libraries and a GPU's context. */
const START_MS = 1_500;

export function localNeeds(given: LocalGiven): LocalNeeds {
  const { source, file, shape, beside, hardware, learnt, reserveBytes } = given;
  const kind = source.use === "embed" ? "embedder" : "writer";
  const backend = backendOf(source);
  const plan = planFor(source, file);
  const of = (planned: LoadPlan): LoadOf => ({ file: shape.file, plan: planned, backend });
  const placeable = shape.model
    ? reckonedPlaceable({
        kind,
        model: shape.model,
        plan,
        draft: beside.draft?.model ?? null,
        besideBytes: beside.bytes,
        needBytes: source.terms.needBytes,
        correction: (device, planned) => learnt.correction(of(planned), device),
        from: "its file",
      })
    : roughPlaceable(kind, shape.bytes);
  const options = optionsFor(placeable, wishOf(source), { gpus: hardware.gpus, reserveBytes });
  const placed = (option: Option) => options.find((it) => it.id === option.id) ?? null;
  const first = options[0]?.id ?? "";
  return {
    loadable: {
      label: file.model.label,
      kind,
      options: options.map(({ id, needs, why }) => ({ id, needs, why })),
      slots: slotsOf(source),
      loadMs: learnt.loadMs(shape.file, first) ?? START_MS + (shape.bytes / READ_BYTES_PER_S) * 1_000,
      weight: source.terms.weight,
    },
    specOf: (option) => specOf(source, file, placed(option)),
    planOf(option) {
      const found = placed(option);
      return found === null || isUnknown(found) ? null : plan(found.spread);
    },
    backend,
    shape,
    beside,
    waysToFit: () => waysOf(given, plan),
  };
}

function wishOf({ device, options, terms }: LocalSource) {
  const { isDeviceGiven, limitBytes } = terms;
  return { device, isDeviceGiven, gpuLayers: options.gpuLayers, limitBytes };
}

/** An embedded engine does one thing at a time. */
function slotsOf({ llamaServer, options }: LocalSource): number {
  return llamaServer === "" ? 1 : options.slots;
}

/** The user's own arguments may change anything, so that loads with others are others. */
function backendOf({ llamaServer, options }: LocalSource): string {
  if (llamaServer === "") return "embedded";
  const { extraArguments } = options;
  if (extraArguments.length === 0) return "llama-server";
  return `llama-server ${createHash("sha256").update(JSON.stringify(extraArguments)).digest("hex").slice(0, 8)}`;
}

function contextOf(source: LocalSource, { model }: ModelFile): number {
  return (source.contextTokens ?? model.contextTokens) * slotsOf(source);
}

/** As the engine will load it: `llamaArguments.ts` and `engine/load.ts`. What is left to llama.cpp it decides for flash attention. */
function planFor(source: LocalSource, file: ModelFile): (spread: Spread) => LoadPlan {
  const { options, use, llamaServer } = source;
  const contextTokens = contextOf(source, file);
  return ({ gpus, gpuLayers }) => {
    const isSmallStep = llamaServer !== "" && gpus.length === 0;
    const writing = isSmallStep ? Math.min(CPU_STEP_TOKENS, contextTokens) : DEFAULT_PLAN.batchTokens;
    return {
      contextTokens,
      slots: slotsOf(source),
      // A text for vectors is read in one step.
      batchTokens: use === "embed" ? contextTokens : writing,
      outputs: use === "write" && llamaServer !== "" ? "slots" : "step",
      keyType: options.keyType,
      valueType: options.valueType,
      flashAttention: options.flashAttention === "off" ? "off" : "on",
      gpuLayers,
      gpus: gpus.map(({ gpu, share }) => ({ id: gpu.uuid, share })),
    };
  };
}

function specOf(source: LocalSource, file: ModelFile, placed: PlacedOption | null): ReturnType<LocalNeeds["specOf"]> {
  const contextTokens = contextOf(source, file);
  if (placed === null || isUnknown(placed))
    return { device: placed?.device ?? source.device, cards: [], options: source.options, contextTokens };
  const { gpus, gpuLayers } = placed.spread;
  const whole = gpus.reduce((sum, it) => sum + it.share, 0);
  return {
    device: placed.device,
    cards: gpus.map(({ gpu: { uuid, vendor, index }, share }) => ({ uuid, vendor, index, share: share / whole })),
    options: { ...source.options, gpuLayers },
    contextTokens,
  };
}

/** A device that no reading shows. */
function isUnknown({ device, spread }: PlacedOption): boolean {
  return spread.gpus.length === 0 && device !== "cpu";
}

/** Judged on the GPU that has most room, or in main memory where there is none. */
function waysOf(given: LocalGiven, plan: (spread: Spread) => LoadPlan): string | null {
  const { source, shape, hardware, reserveBytes } = given;
  if (!shape.model) return null;
  const isOnCpu = hardware.gpus.length === 0 || (source.terms.isDeviceGiven && source.device === "cpu");
  const [largest] = hardware.gpus.toSorted((a, b) => b.vramBytes - a.vramBytes);
  const gpu = isOnCpu ? undefined : largest;
  const room = new Map([["cpu", provenRoom(hardware.ramBytes - mainReserveBytes(hardware.ramBytes))]]);
  if (gpu) room.set(gpu.uuid, provenRoom(gpu.vramBytes - reserveBytes(gpu.uuid)));
  const planned = plan({ gpus: gpu ? [{ gpu, share: 1 }] : [], gpuLayers: gpu ? "all" : 0 });
  const unfit = {
    model: shape.model,
    plan: planned,
    draft: given.beside.draft?.model ?? null,
    room,
    alternatives: alternativesTo(given),
  };
  const isFitting = tooSmall(estimate(unfit.model, planned, unfit.draft), room).length === 0;
  const ways = isFitting ? null : waysText(waysToFit(unfit));
  return ways && `It would fit ${ways}`;
}

function alternativesTo({ catalogue, shape, file }: LocalGiven): readonly Alternative[] {
  return catalogue
    .filter((it) => it.roles.includes("draft") && !it.isTrial && !it.isRestricted && it.id !== file.model.id)
    .map((it) => ({ id: it.id, needBytes: needBytes(it), share: it.bytes / shape.bytes }))
    .filter((it) => it.share < 1);
}
