import { stat } from "node:fs/promises";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { packageVersion } from "../assets.ts";
import { loadConfig } from "../config/load.ts";
import { assign, type EngineConfig, type Machine } from "../core/assign.ts";
import { type Hardware, needBytes } from "../core/choose.ts";
import { reserveBytesOf, thermalRulesOf } from "../core/configured.ts";
import { adviceFor } from "../core/hardwareAdvice.ts";
import { type Card, tierOf } from "../core/hardwareTier.ts";
import { layered, settingsIn } from "../core/layers.ts";
import { isNamed } from "../core/placeOptions.ts";
import { pressureAt } from "../core/pressure.ts";
import { meant, sourceOf } from "../core/registered.ts";
import { thermalAfter } from "../core/thermal.ts";
import { hardwareOf } from "../gpu/detect.ts";
import { type MachineGpus, readMachineGpus } from "../gpu/machine.ts";
import { catalogue } from "../models/catalogue.ts";
import { modelPath } from "../models/file.ts";
import { isRecorded } from "../models/record.ts";
import { chosenModels } from "../places.ts";
import { cacheFolder, configFile, runtimeFolder, stateFolder } from "../platform/folders.ts";
import type { Config } from "../protocol/config.ts";
import { type ClientSettings, Settings } from "../protocol/settings.ts";
import type { Examination, FoundGpu, FoundModel, FoundOrchestrator } from "./examination.ts";
import { lookAtFolder } from "./folders.ts";
import { lookAtPrograms } from "./programs.ts";
import { runningServers } from "./running.ts";

/** How the one who asks learns of the orchestrator. */
export type LookAtOrchestrator = (signal: AbortSignal) => Promise<FoundOrchestrator> | FoundOrchestrator;

/** Looks at this machine and at what Tandem has on it. Starts nothing, makes nothing and changes nothing. */
export async function examine(
  asked: ClientSettings,
  look: LookAtOrchestrator,
  signal: AbortSignal,
): Promise<Examination> {
  const { env, platform, arch } = process;
  const loaded = loadConfig({ path: configFile(), env, before: null });
  // Those of a client go before the file's and the environment's, as in the orchestrator.
  const settings = Settings.parse(layered(settingsIn(loaded.config), asked));
  const [machine, programs, orchestrator, running, folders] = await Promise.all([
    readMachineGpus({ env, platform, arch }, signal),
    lookAtPrograms(env, settings.llamaServer),
    look(signal),
    runningServers(loaded.config, signal),
    Promise.all(
      [
        { what: "models", path: join(cacheFolder(), "models"), isPrivate: false },
        { what: "key, journal and log", path: stateFolder(), isPrivate: true },
        { what: "sockets", path: runtimeFolder(), isPrivate: true },
      ].map(lookAtFolder),
    ),
  ]);
  const hardware = hardwareOf(machine);
  const choice = chosenModels({ catalogue, hardware });
  const { models: own, backends } = loaded.config;
  const registered: Machine["registered"] = (name, role, given) => {
    const model = meant(own, name, role);
    return model && sourceOf(model, { ...given, backends });
  };
  const configs = assign(settings, { hardware, choice, stand: null, registered });
  const tiering = tierOf(cardsOf(machine));
  return {
    version: packageVersion,
    node: process.versions.node,
    system: `${platform} ${arch} ${release()}`,
    processor: { name: cpus()[0]?.model.trim() || "unknown", cores: hardware.cores },
    ramBytes: hardware.ramBytes,
    gpus: machine.gpus.map((it) => found(it, loaded.config)),
    instances: machine.instances,
    makes: machine.said.map(({ vendor, report }) => ({
      vendor,
      state: report.kind,
      reason: report.reason,
      nextStep: report.kind === "broken" ? report.nextStep : null,
    })),
    tier: tiering.tier,
    tierWhy: tiering.why,
    advice: adviceFor({ tiering, platform, hasVllm: programs.servers.vllm !== null }),
    programs,
    running,
    config: { path: loaded.path, isThere: loaded.isThere, problems: loaded.problems },
    models: await Promise.all(configs.map((it) => lookAtModel(it, hardware))),
    modelsWhy: choice.why,
    orchestrator,
    folders,
  };
}

function found(gpu: MachineGpus["gpus"][number], config: Config): FoundGpu {
  const { usedBytes, totalBytes, fault, celsius, brakes, uuid } = gpu;
  const isBraked = brakes?.includes("heat") ?? false;
  const thermal = celsius === null ? null : thermalAfter(null, { celsius, isBraked, atMs: 0 }, thermalRulesOf(config));
  const pressure = usedBytes === null || totalBytes === null ? null : pressureAt({ usedBytes, totalBytes });
  return {
    ...gpu,
    health: fault === null ? "ok" : "broken",
    pressure,
    thermal: thermal && { level: thermal.level, why: thermal.why },
    reserveBytes: reserveBytesOf(config, uuid),
  };
}

/** What models can be put on: a card that is cut into instances counts as those. */
function cardsOf({ gpus, instances }: MachineGpus): Card[] {
  return gpus.flatMap(({ uuid, name, vendor, totalBytes, computeCapability, isPartitioned }): Card[] => {
    const card = { vendor, computeCapability };
    const parts = instances.filter((it) => it.card === uuid);
    if (isPartitioned)
      return parts.map(({ profile, bytes }) => ({
        ...card,
        name: `${name} ${profile}`,
        totalBytes: bytes,
        isInstance: true,
      }));
    return totalBytes === null ? [] : [{ ...card, name, totalBytes, isInstance: false }];
  });
}

async function lookAtModel({ id: engine, roles, source }: EngineConfig, { gpus }: Hardware): Promise<FoundModel> {
  const role = roles.length > 0 ? roles.join(" and ") : engine;
  const unknown = { gpu: null, needBytes: null };
  if (source.kind === "endpoint")
    return {
      ...{ ...unknown, role, id: source.modelName ?? "its own" },
      ...{ where: source.isCloud ? `${source.url} (cloud)` : source.url, state: "endpoint", bytes: null },
    };
  const { model: id, device: where } = source;
  const gpu = gpus.find((it) => isNamed(it, where))?.uuid ?? null;
  const path = modelPath(id);
  if (path !== null) {
    const file = await stat(path).catch(() => null);
    return { ...unknown, role, id, where, state: file?.isFile() ? "here" : "no-such-file", bytes: null };
  }
  const entry = catalogue.find((it) => it.id === id);
  if (!entry) return { ...unknown, role, id, where, state: "unknown", bytes: null };
  const isHere = await isRecorded(join(cacheFolder(), "models", `${id}.gguf`), entry);
  const state = isHere ? "here" : "to-download";
  return { role, id, where, state, bytes: isHere ? null : entry.bytes, gpu, needBytes: needBytes(entry) };
}
