import { join } from "node:path";
import { GPU_RESERVE_BYTES, type Hardware, needBytes } from "../core/choose.ts";
import { type Estimate, estimate } from "../core/estimate.ts";
import { type Alternative, type Room, tooSmall, waysToFit } from "../core/estimateFit.ts";
import { toEstimatedModel } from "../core/estimateModel.ts";
import { DEFAULT_PLAN, type LoadPlan } from "../core/estimatePlan.ts";
import type { EstimatedModel } from "../core/memoryShape.ts";
import { TandemError } from "../errors.ts";
import { detectHardware } from "../gpu/detect.ts";
import { catalogue } from "../models/catalogue.ts";
import { modelPath } from "../models/file.ts";
import { readGgufModel } from "../models/ggufModel.ts";
import { isRecorded } from "../models/record.ts";
import { cacheFolder } from "../platform/folders.ts";
import type { Log } from "../ports.ts";
import type { Asked } from "./estimateOptions.ts";
import { type Judged, tableOf } from "./estimateTable.ts";
import type { Out } from "./printer.ts";

/** Says what a model would take here, and whether there is room; from its file, without loading it or starting anything. */
export async function showEstimate(asked: Asked, out: Out, signal: AbortSignal): Promise<void> {
  const [model, draft, hardware] = await Promise.all([
    open(asked.model, signal),
    asked.draft === null ? null : open(asked.draft, signal),
    detectHardware(quiet, signal),
  ]);
  const judged = judge({ asked, model, draft, hardware });
  out.write(asked.isJson ? `${JSON.stringify(judged)}\n` : tableOf(judged));
}

/** What is said of a driver tool that is broken is said by the orchestrator; here there is then no GPU. */
const quiet: Log = { error() {}, warn() {}, info() {}, debug() {} };

/** What engines are asked for where nobody says anything else. */
const DEFAULT_CONTEXT_TOKENS = 8_192;

interface Opened {
  readonly path: string;
  readonly fileBytes: number;
  /** Of the catalogue; null: a file of the user's. */
  readonly id: string | null;
  readonly shape: EstimatedModel;
}

async function open(name: string, signal: AbortSignal): Promise<Opened> {
  const given = modelPath(name);
  const path = given ?? (await cachedPath(name));
  const file = await readGgufModel(path, signal);
  const shape = toEstimatedModel(file);
  if ("kind" in shape) throw new TandemError(shape.code, `${path}: ${shape.message}`, shape.nextStep);
  return { path, fileBytes: file.fileBytes, id: given === null ? name : null, shape };
}

async function cachedPath(id: string): Promise<string> {
  const entry = catalogue.find((it) => it.id === id);
  const cached = join(cacheFolder(), "models", `${id}.gguf`);
  // The store itself would bring the network stack into every command.
  if (entry && (await isRecorded(cached, entry))) return cached;
  const isKnown = entry !== undefined;
  throw new TandemError(
    "model-unavailable",
    isKnown ? `${id} is not on this machine` : `There is no model called "${id}" in the catalogue`,
    isKnown
      ? `Fetch it with "tandem models pull ${id}", or name a GGUF file`
      : 'Name a GGUF file, or a model of the catalogue ("tandem models" lists them)',
  );
}

interface Case {
  readonly asked: Asked;
  readonly model: Opened;
  readonly draft: Opened | null;
  readonly hardware: Hardware;
}

function judge({ asked, model, draft, hardware }: Case): Judged {
  const plan = planOf(asked, model, hardware);
  const shape = draft?.shape ?? null;
  const estimated = estimate(model.shape, plan, shape);
  const room = roomOf(hardware);
  const alternatives = alternativesTo(model, plan.contextTokens);
  const isTooLarge = tooSmall(estimated, room).length > 0;
  const unfit = { model: model.shape, plan, draft: shape, room, alternatives };
  return {
    model: {
      path: model.path,
      architecture: model.shape.architecture,
      layers: model.shape.layers.length,
      trainedContextTokens: model.shape.contextTokens,
      fileBytes: model.fileBytes,
    },
    plan,
    devices: estimated.devices.map((it) => ({
      ...it,
      ...deviceHere(it.device, hardware),
      roomBytes: room.get(it.device) ?? null,
    })),
    totalBytes: estimated.totalBytes,
    reserveBytes: GPU_RESERVE_BYTES,
    fits: isTooLarge ? "no" : isJudged(estimated, room) ? "yes" : "unknown",
    ways: isTooLarge ? waysToFit(unfit) : [],
    notes: [...estimated.notes, ...contextNote(model.shape, plan)],
  };
}

/** Split as asked, else all on the largest GPU; without any, in main memory, unless layers are asked for by number. */
function planOf(asked: Asked, { shape }: Opened, { gpus }: Hardware): LoadPlan {
  const [largest] = gpus.toSorted((a, b) => b.vramBytes - a.vramBytes);
  const isImagined = largest === undefined && (asked.split !== null || (asked.gpuLayers ?? 0) !== 0);
  const one = largest ? [{ id: largest.id, share: 1 }] : isImagined ? [{ id: "gpu:0", share: 1 }] : [];
  const split = asked.split?.map((share, index) => ({ id: gpus[index]?.id ?? `gpu:${index}`, share }));
  return {
    ...DEFAULT_PLAN,
    contextTokens:
      asked.contextTokens ?? Math.min(DEFAULT_CONTEXT_TOKENS, shape.contextTokens ?? DEFAULT_CONTEXT_TOKENS),
    slots: asked.slots,
    keyType: asked.keyType,
    valueType: asked.valueType,
    flashAttention: asked.flashAttention,
    gpuLayers: asked.gpuLayers ?? DEFAULT_PLAN.gpuLayers,
    gpus: split ?? one,
  };
}

function roomOf({ gpus, ramBytes }: Hardware): Room {
  const cards = gpus.map((it) => [it.id, it.vramBytes - GPU_RESERVE_BYTES] as const);
  return new Map([...cards, ["cpu", ramBytes - GPU_RESERVE_BYTES]]);
}

function deviceHere(id: string, { gpus, ramBytes }: Hardware): { name: string | null; haveBytes: number | null } {
  if (id === "cpu") return { name: "main memory", haveBytes: ramBytes };
  const gpu = gpus.find((it) => it.id === id);
  return { name: gpu?.name ?? null, haveBytes: gpu?.vramBytes ?? null };
}

/** A GPU that this machine does not have is no reason to say yes. */
function isJudged({ devices }: Estimate, room: Room): boolean {
  return devices.every((it) => room.has(it.device));
}

/** Smaller files of the catalogue that write code too. */
function alternativesTo(model: Opened, contextTokens: number): readonly Alternative[] {
  return catalogue
    .filter((it) => it.roles.includes("draft") && !it.isTrial && !it.isRestricted && it.id !== model.id)
    .map((it) => ({ id: it.id, needBytes: needBytes({ ...it, contextTokens }), share: it.bytes / model.fileBytes }))
    .filter((it) => it.share < 1);
}

function contextNote({ contextTokens }: EstimatedModel, plan: LoadPlan): readonly string[] {
  const asked = Math.floor(plan.contextTokens / plan.slots);
  if (contextTokens === null || asked <= contextTokens) return [];
  return [`the model was trained for ${contextTokens} tokens: beyond that it writes nonsense`];
}
