import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Learnt, learntFrom, readRemembered } from "../calibration/calibration.ts";
import type { FileIdentity } from "../calibration/record.ts";
import { loadConfig } from "../config/load.ts";
import { type Hardware, needBytes } from "../core/choose.ts";
import { type Correction, corrected } from "../core/correction.ts";
import { type DeviceEstimate, type Estimate, estimate } from "../core/estimate.ts";
import { type Alternative, type Room, waysToFit } from "../core/estimateFit.ts";
import { toEstimatedModel } from "../core/estimateModel.ts";
import { CPU_STEP_TOKENS, DEFAULT_PLAN, type LoadPlan } from "../core/estimatePlan.ts";
import type { EstimatedModel } from "../core/memoryShape.ts";
import { TandemError } from "../errors.ts";
import { catalogue } from "../models/catalogue.ts";
import { modelPath } from "../models/file.ts";
import { readGgufModel } from "../models/ggufModel.ts";
import { isRecorded } from "../models/record.ts";
import { cacheFolder, configFile, stateFolder } from "../platform/folders.ts";
import type { Log } from "../ports.ts";
import { type Here, readHere } from "./estimateHere.ts";
import type { Asked } from "./estimateOptions.ts";
import { type Judged, tableOf } from "./estimateTable.ts";
import { showVllmEstimate } from "./estimateVllm.ts";
import type { Out } from "./printer.ts";

/** Says what a model would take here, and whether there is room; from its file, without loading it or starting anything. */
export async function showEstimate(asked: Asked, out: Out, signal: AbortSignal): Promise<void> {
  if (asked.backend === "vllm") return showVllmEstimate(asked, out, signal);
  const [model, draft, here, remembered] = await Promise.all([
    open(asked.model, signal),
    asked.draft === null ? null : open(asked.draft, signal),
    readHere(signal),
    readRemembered(stateFolder(), quiet),
  ]);
  const judged = judge({ asked, model, draft, here, learnt: learntFrom(remembered) });
  out.write(asked.isJson ? `${JSON.stringify(judged)}\n` : tableOf(judged));
}

/** What was remembered and cannot be read is said by the orchestrator; here nothing is then known. */
const quiet: Log = { error() {}, warn() {}, info() {}, debug() {} };

/** What engines are asked for where nobody says anything else. */
const DEFAULT_CONTEXT_TOKENS = 8_192;

interface Opened {
  readonly path: string;
  readonly fileBytes: number;
  readonly identity: FileIdentity;
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
  const { size, mtimeMs } = await stat(path);
  const identity = { path, bytes: size, modifiedMs: mtimeMs };
  return { path, fileBytes: file.fileBytes, identity, id: given === null ? name : null, shape };
}

async function cachedPath(id: string): Promise<string> {
  const entry = catalogue.find((it) => it.id === id);
  const cached = join(cacheFolder(), "models", `${id}.gguf`);
  // The store itself would bring the network stack into every command.
  if (entry && (await isRecorded(cached, entry))) return cached;
  const named = entry ? null : (configured(id) ?? (await namedPath(id)));
  if (named) throw named;
  const isKnown = entry !== undefined;
  throw new TandemError(
    "model-unavailable",
    isKnown ? `${id} is not on this machine` : `There is no model called "${id}" in the catalogue`,
    isKnown
      ? `Fetch it with "tandem models pull ${id}", or name a GGUF file`
      : 'Name a GGUF file, or a model of the catalogue ("tandem models" lists them)',
  );
}

/** What is there and ends in no ".gguf" is taken for a name, and was meant as a file. */
async function namedPath(name: string): Promise<TandemError | null> {
  const found = await stat(name).catch(() => null);
  if (found === null) return null;
  if (found.isDirectory())
    return new TandemError(
      "bad-input",
      `${name} is a folder, and an estimate is made of a GGUF file`,
      "Name the file; a folder of safetensors is estimated with --backend vllm",
    );
  return new TandemError(
    "bad-input",
    `${name} is a file whose name does not end in .gguf, and an estimate is made of a GGUF file`,
    `If it is one under another name: tandem estimate file:${name}`,
  );
}

/** A model of the configuration file has settings of its own, which flags say here: then nobody wonders which of them counted. */
function configured(name: string): TandemError | null {
  const { config } = loadConfig({ path: configFile(), env: process.env, before: null });
  const found = config.models.find((it) => it.name === name);
  if (!found) return null;
  const { backend, model, contextTokens: ctx, keyType: keys = "f16", valueType: values = "f16", slots } = found;
  const what = `"${name}" is a name of the configuration file's, and an estimate is made of a file`;
  const isOurs = (backend === "embedded" || backend === "llama-server") && model !== undefined;
  if (!isOurs) return new TandemError("bad-input", what, `Its memory is the affair of its server (${backend})`);
  const flags = [ctx && `--ctx ${ctx}`, `--kv ${keys}/${values}`, slots && `--slots ${slots}`].filter((it) => it);
  return new TandemError("bad-input", what, `Run: tandem estimate ${model.replace(/^file:/, "")} ${flags.join(" ")}`);
}

interface Case {
  readonly asked: Asked;
  readonly model: Opened;
  readonly draft: Opened | null;
  readonly here: Here;
  readonly learnt: Learnt;
}

function judge(ctx: Case): Judged {
  const { asked, model, draft, here } = ctx;
  const plan = planOf(asked, model, here.hardware);
  const shape = draft?.shape ?? null;
  const estimated = estimate(model.shape, plan, shape);
  const devices = estimated.devices.map((it) => judgeDevice(it, correctionOf(ctx, it.device, plan), here));
  const isTooLarge = devices.some((it) => it.roomBytes !== null && it.correctedBytes > it.roomBytes);
  const alternatives = alternativesTo(model, plan.contextTokens);
  const unfit = { model: model.shape, plan, draft: shape, room: uncorrectedRoom(devices), alternatives };
  return {
    model: {
      path: model.path,
      architecture: model.shape.architecture,
      layers: model.shape.layers.length,
      trainedContextTokens: model.shape.contextTokens,
      fileBytes: model.fileBytes,
    },
    plan,
    devices,
    totalBytes: estimated.totalBytes,
    fits: isTooLarge ? "no" : isJudged(estimated, here) ? "yes" : "unknown",
    ways: isTooLarge ? waysToFit(unfit) : [],
    notes: [...estimated.notes, ...contextNote(model.shape, plan)],
  };
}

/** A draft model was never loaded beside it when the model alone was measured. */
function correctionOf({ model, draft, here, learnt }: Case, device: string, plan: LoadPlan): Correction {
  const uuid = (id: string) => here.hardware.gpus.find((it) => it.id === id)?.uuid ?? id;
  const gpus = plan.gpus.map((it) => ({ ...it, id: uuid(it.id) }));
  const file = draft === null ? model.identity : { ...model.identity, path: "" };
  // In main memory the engine is told no number of layers, but none.
  const gpuLayers = gpus.length === 0 ? 0 : plan.gpuLayers;
  return learnt.correction({ file, plan: { ...plan, gpus, gpuLayers }, backend: null }, uuid(device));
}

function judgeDevice(it: DeviceEstimate, correction: Correction, here: Here): Judged["devices"][number] {
  const { name, haveBytes, freeBytes, reserveBytes } = here.device(it.device);
  const left = (bytes: number | null) => (bytes === null ? null : bytes - reserveBytes);
  const correctedBytes = it.totalBytes === 0 ? 0 : corrected(it.totalBytes, correction);
  return {
    ...it,
    name,
    haveBytes,
    freeBytes,
    reserveBytes,
    roomBytes: left(haveBytes),
    nowBytes: left(freeBytes),
    correctedBytes,
    correction,
  };
}

/** Estimates that would fit: what corrections add is taken off the room instead. */
function uncorrectedRoom(devices: Judged["devices"]): Room {
  const rooms = devices.flatMap(({ device, roomBytes, totalBytes, correctedBytes }) =>
    roomBytes === null ? [] : [[device, (roomBytes * Math.max(1, totalBytes)) / Math.max(1, correctedBytes)] as const],
  );
  return new Map(rooms);
}

/** Split as asked, else all on the largest GPU; without any, in main memory, unless layers are asked for by number. */
function planOf(asked: Asked, { shape, id }: Opened, { gpus }: Hardware): LoadPlan {
  const [largest] = gpus.toSorted((a, b) => b.vramBytes - a.vramBytes);
  const isImagined = largest === undefined && (asked.split !== null || (asked.gpuLayers ?? 0) !== 0);
  const one = largest ? [{ id: largest.id, share: 1 }] : isImagined ? [{ id: "gpu:0", share: 1 }] : [];
  const split = asked.split?.map((share, index) => ({ id: gpus[index]?.id ?? `gpu:${index}`, share }));
  const usual = catalogue.find((it) => it.id === id)?.contextTokens ?? DEFAULT_CONTEXT_TOKENS;
  const isServer = asked.backend === "llama-server";
  const cards = split ?? one;
  return {
    ...DEFAULT_PLAN,
    batchTokens: isServer && cards.length === 0 ? CPU_STEP_TOKENS : DEFAULT_PLAN.batchTokens,
    contextTokens: asked.contextTokens ?? Math.min(usual, shape.contextTokens ?? usual),
    slots: asked.slots,
    outputs: isServer ? "slots" : "step",
    keyType: asked.keyType,
    valueType: asked.valueType,
    flashAttention: asked.flashAttention,
    gpuLayers: asked.gpuLayers ?? DEFAULT_PLAN.gpuLayers,
    gpus: cards,
  };
}

/** A GPU that this machine does not have is no reason to say yes. */
function isJudged({ devices }: Estimate, here: Here): boolean {
  return devices.every((it) => here.device(it.device).haveBytes !== null);
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
