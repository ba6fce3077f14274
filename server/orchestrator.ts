import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { engineEntry, packageVersion, shimEntry, wasmPath } from "./assets.ts";
import { createOpenEngine, type OpenDeps } from "./backends/open.ts";
import { createReachWhenNeeded } from "./backends/reachWhenNeeded.ts";
import { createCalibration } from "./calibration/calibration.ts";
import { createFollow } from "./calibration/follow.ts";
import { type ConfigOwner, createConfigOwner } from "./config/owner.ts";
import { governRulesOf, pressureRulesOf, reserveBytesOf, thermalRulesOf } from "./core/configured.ts";
import { createDevices, machineMemory } from "./devices.ts";
import { createDiscovery } from "./discovery/discovery.ts";
import { createFiles } from "./files.ts";
import { ENGINE_FOLDER, enginesFolder } from "./getting/engineFolder.ts";
import { buildsOnDemand } from "./getting/onDemand.ts";
import { detectHardware } from "./gpu/detect.ts";
import { createHardware, type HardwareOwner } from "./gpu/hardware.ts";
import { gpuSources, periodMsFrom } from "./gpu/sources.ts";
import { createGpuHistory, type GpuHistory } from "./history/history.ts";
import { createHttpDoors, type HttpDoors } from "./httpDoors.ts";
import { createLife, DRAIN_MS, graceMsFrom, type Life } from "./life.ts";
import { reconcile } from "./lifelines/reconcile.ts";
import { createRegister, type Register, thisProcess } from "./lifelines/register.ts";
import type { TappedLog } from "./log.ts";
import { catalogue } from "./models/catalogue.ts";
import { createModelStore } from "./models/store.ts";
import { createMonitor, gpuStatus, type Monitor, recentOf } from "./monitor.ts";
import { createNeeds } from "./needs/needs.ts";
import { cacheFolder, configFile, stateFolder } from "./platform/folders.ts";
import type { Clock, Journal, Log, OpenEngine } from "./ports.ts";
import { guardCloud } from "./privacy/guard.ts";
import { createPrivacy } from "./privacy/privacy.ts";
import type { ClientInfo } from "./protocol/handshake.ts";
import { moving, statusChanged } from "./protocol/requests.ts";
import { createRateBook, type RateBook } from "./rates/rates.ts";
import { createRegistry } from "./registry/registry.ts";
import { createStored } from "./registry/stored.ts";
import { createResidency } from "./residency.ts";
import { createService } from "./service.ts";
import type { ServiceHandlers, SharedParts } from "./session.ts";
import { createSyntaxWhenNeeded } from "./syntax/whenNeeded.ts";
import { createTally, type Tallied } from "./tally.ts";
import { type LspClient, serveLsp } from "./transport/lsp/serve.ts";
import { createWitness } from "./witness.ts";
import { createWorld, type World } from "./world.ts";

/** Everything but the way in: the engines, the sessions, and what to do when it is over. */
export interface Orchestrator {
  /** Serves one client; the streams are the orchestrator's from now on. */
  serve(input: Readable, output: Writable, client: ClientInfo): LspClient;
  readonly life: Life;
  /** The HTTP doors are closed, so that another orchestrator can open them; answers under way are finished. */
  closeHttp(): Promise<void>;
  /** Breaks off what runs, and resolves when no engine is left. After a bug the next orchestrator loads again what was loaded. */
  end(how: "cleanly" | "after a bug"): Promise<void>;
}

export interface OrchestratorDeps {
  readonly log: TappedLog;
  readonly journal: Journal;
  /** Asked by a client to leave at once. */
  readonly leaveNow: () => void;
  /** Asked by a client to leave when all is done: another may be started from here on. */
  readonly makeRoom: () => Promise<void>;
}

export function createOrchestrator(deps: OrchestratorDeps): Orchestrator {
  const { log, journal } = deps;
  const stopping = new AbortController();
  const httpDoors = createHttpDoors();
  const life = createLife({ log, graceMs: graceMsFrom(process.env), drainMs: DRAIN_MS });
  const clients = new Set<LspClient>();
  const owned = createOwn(log, stopping.signal);
  const { monitor, history, book, config } = owned;
  const parts = sharedParts(deps, owned);
  const world: World = createWorld({
    ...parts,
    ...memoryParts(owned),
    version: packageVersion,
    service: serviceOf(deps, { httpDoors, life, tally: parts.tally.read }, () => world),
    doors: () => ({ http: httpDoors.url(), isDraining: life.isDraining }),
    wasResident: (key) => journal.takeIntended(key),
    onResidents: createResidency(journal),
  });
  tidyUp(owned.register, log, stopping.signal);
  return {
    life,
    closeHttp: async () => httpDoors[Symbol.asyncDispose](),
    serve(input, output, info) {
      // What concerns this client alone is told to nobody else.
      const own = log.branch();
      // Other people's editors complain of what LSP does not know.
      const isOurs = info.kind !== "editor";
      const session = world.connect(info, (status) => isOurs && client.notify(statusChanged, status), own);
      const client = serveLsp(input, output, { session, client: info, version: packageVersion, log: own });
      session.follow((settings) => own.setLevel(settings.logLevel));
      tell(client, [log, own]);
      clients.add(client);
      log.info("client", { kind: info.kind, client: info.pid, clients: clients.size });
      void client.gone.then(() => clients.delete(client));
      life.enter({
        gone: client.gone,
        drain(why) {
          if (isOurs) client.notify(moving, why);
          client.drain();
        },
      });
      return client;
    },
    async end(how) {
      stopping.abort();
      for (const client of clients) client.close();
      // Before the engines go: an answer that ends with its engine looks like the engine's fault.
      httpDoors.breakOff();
      // From here on engines that close say nothing of what is to be loaded again.
      if (how === "cleanly") journal.closeCleanly();
      else journal[Symbol.dispose]();
      for (const it of [parts.registry, config]) it[Symbol.dispose]();
      await Promise.allSettled([httpDoors, world, monitor, history, book].map((it) => it[Symbol.asyncDispose]()));
    },
  };
}

/** The client hears what is logged, as long as it is there. */
function tell(client: LspClient, logs: readonly TappedLog[]): void {
  const taps = logs.map((it) => it.tap((level, text) => client.log(level === "debug" ? "info" : level, text)));
  void client.gone.then(() => {
    for (const tap of taps) tap[Symbol.dispose]();
  });
}

interface Own {
  readonly clock: Clock;
  readonly register: Register;
  readonly config: ConfigOwner;
  readonly monitor: Monitor;
  readonly history: GpuHistory;
  readonly book: RateBook;
  readonly machine: HardwareOwner;
}

/** What the orchestrator has for itself alone. */
function createOwn(log: Log, signal: AbortSignal): Own {
  const clock = { nowMs: () => performance.now() };
  const config = createConfigOwner({ path: configFile(), env: process.env, log });
  const telemetry = createTelemetry(config, clock, log);
  const detect = () => detectHardware(log, signal);
  return {
    clock,
    config,
    machine: createHardware({ detect, monitor: telemetry.monitor, clock, log }),
    register: createRegister({ folder: join(stateFolder(), "processes"), owner: thisProcess() }),
    book: createRateBook({ folder: stateFolder(), log, wallMs: () => Date.now() }),
    ...telemetry,
  };
}

/** The GPUs now, and what was read of them before. */
function createTelemetry(config: ConfigOwner, clock: Clock, log: Log): Pick<Own, "monitor" | "history"> {
  const monitor: Monitor = createMonitor({
    sources: gpuSources(),
    periodMs: periodMsFrom(process.env),
    clock,
    log,
    rules() {
      const { config: now } = config.now();
      return { pressure: pressureRulesOf(now), thermal: thermalRulesOf(now) };
    },
    onReading: (reading) => history.take(reading),
  });
  const history = createGpuHistory({
    folder: stateFolder(),
    log,
    wallMs: () => Date.now(),
    recent: () => recentOf(monitor, clock.nowMs()),
  });
  return { monitor, history };
}

/** The memories that models can be in, and by what they are given out. */
function memoryParts({ monitor, clock, config, machine }: Own) {
  const now = () => config.now().config;
  const reserveBytes = (uuid: string) => reserveBytesOf(now(), uuid);
  return {
    devices: createDevices({
      ...{ monitor, memory: machineMemory(), clock, reserveBytes },
      found: () => machine.gpus(),
    }),
    rules: () => governRulesOf(now()),
    gpus: () => gpuStatus(monitor.now(), reserveBytes),
  };
}

function sharedParts(
  { log, journal }: OrchestratorDeps,
  { clock, register, config, monitor, history, book, machine }: Own,
): SharedParts {
  let opened: Promise<void> | null = null;
  const builds = join(enginesFolder(cacheFolder()), ENGINE_FOLDER);
  const cards = () => monitor.now().gpus.map((it) => it.reading);
  const privacy = createPrivacy({ log });
  return {
    privacy,
    clock,
    log,
    journal,
    catalogue,
    gpuHistory: (seconds) => history.read(seconds),
    async doctor(settings, asking) {
      const { reportOf } = await import("./doctor/report.ts");
      return reportOf(settings, { state: "running", pid: process.pid, version: packageVersion }, asking);
    },
    stamp: () => ({ id: randomUUID(), atMs: Date.now() }),
    draw: Math.random,
    tally: createTally({ clock, wallMs: () => Date.now() }),
    rates: { book, gpus: () => ratedGpus(monitor) },
    syntax: createSyntaxWhenNeeded({ wasmPath }),
    files: createFiles(),
    store: createModelStore({ folder: cacheFolder(), log, clock }),
    registry: createRegistry({
      config,
      discovery: createDiscovery({ config: () => config.now().config, clock, log }),
      catalogue,
      stored: createStored(join(stateFolder(), "models.json"), log),
      log,
    }),
    needs: createNeeds({
      calibration: createCalibration({ folder: stateFolder(), log }),
      clock,
      log,
      reserveBytes: (uuid) => reserveBytesOf(config.now().config, uuid),
      follow: createFollow(monitor),
    }),
    openEngine: guardCloud(opening({ log, register, monitor, clock, builds, cards }), privacy),
    reach: createReachWhenNeeded({ ...{ log, clock, builds, cards }, childPath: engineEntry() }),
    // Who wants to place engines will want to know how the GPUs are from here on.
    async hardware() {
      monitor.begin();
      // Routing asks next, and goes by what was measured before.
      opened ??= book.open();
      const [hardware] = await Promise.all([machine.now(), opened]);
      return hardware;
    },
    onHardware: (listener) => machine.listen(listener),
  };
}

/** The one way to any engine, of which it is then seen where it is. */
function opening(
  given: Pick<Own, "register" | "monitor" | "clock"> & Pick<OpenDeps, "log" | "builds" | "cards">,
): OpenEngine {
  const paths = { childPath: engineEntry(), shimPath: shimEntry() };
  const recognise: OpenDeps["recognise"] = (name) => catalogue.find((it) => it.id === name) ?? null;
  return createWitness({ ...given, openEngine: createOpenEngine({ ...given, ...paths, recognise }) });
}

/** How warm each is; of one that is not heard of any more that is not known. */
function ratedGpus(monitor: Monitor): ReturnType<SharedParts["rates"]["gpus"]> {
  return monitor.now().gpus.map(({ reading: { uuid, vendor, index }, health, thermal }) => {
    return { uuid, vendor, index, thermal: health === "broken" ? null : (thermal?.level ?? null) };
  });
}

function serviceOf(
  { log, leaveNow, makeRoom }: OrchestratorDeps,
  of: { readonly httpDoors: HttpDoors; readonly life: Life; readonly tally: () => Tallied },
  world: () => World,
): (session: Parameters<ReturnType<typeof createService>>[0]) => ServiceHandlers {
  return createService({
    ...of,
    log,
    version: packageVersion,
    stateFolder: stateFolder(),
    connectHttp: () => world().connect(null, () => undefined),
    builds: buildsOnDemand(enginesFolder(cacheFolder()), log),
    leaveNow,
    makeRoom,
  });
}

/** Nobody waits for it: what a dead orchestrator left behind takes memory, not anybody's place. */
function tidyUp(register: Register, log: TappedLog, signal: AbortSignal): void {
  reconcile(register.folder, log, signal).catch((error: unknown) => {
    if (!signal.aborted) log.error("processes not reconciled", { reason: String(error) });
  });
}
