import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { engineEntry, shimEntry, wasmPath } from "../../server/assets.ts";
import { createOpenEngine } from "../../server/backends/open.ts";
import { createCalibration } from "../../server/calibration/calibration.ts";
import { createConfigOwner } from "../../server/config/owner.ts";
import { GPU_RESERVE_BYTES, type Hardware } from "../../server/core/choose.ts";
import type { DeviceFact } from "../../server/core/govern/event.ts";
import { GOVERN_RULES, type GovernRules } from "../../server/core/govern/rules.ts";
import { createDiscovery } from "../../server/discovery/discovery.ts";
import { createFiles } from "../../server/files.ts";
import { catalogue } from "../../server/models/catalogue.ts";
import { createModelStore } from "../../server/models/store.ts";
import { createNeeds } from "../../server/needs/needs.ts";
import type { AskReach, Clock, Journal, Log, OpenEngine } from "../../server/ports.ts";
import { guardCloud } from "../../server/privacy/guard.ts";
import { createPrivacy } from "../../server/privacy/privacy.ts";
import type { RatedDeps } from "../../server/rates/rated.ts";
import { createRateBook } from "../../server/rates/rates.ts";
import { createRegistry } from "../../server/registry/registry.ts";
import { createStored } from "../../server/registry/stored.ts";
import { createSyntax } from "../../server/syntax/treeSitter.ts";
import { createTally, type Tally } from "../../server/tally.ts";
import { createWorld, type World, type WorldDeps } from "../../server/world.ts";
import { silentJournal } from "../fakes/journal.ts";

const refuse = () => Promise.reject(new Error("there is no such service in this test"));
const noService = { serve: refuse, rotateKey: refuse, stop: refuse, builds: refuse, getBuild: refuse };

/** What a test has of its own; the rest is a machine with much memory and no GPU, and real time. */
export interface TestWorldOptions {
  readonly openEngine?: OpenEngine | undefined;
  readonly reach?: AskReach | undefined;
  readonly hardware?: Hardware | undefined;
  readonly clock?: Clock | undefined;
  readonly devices?: WorldDeps["devices"] | undefined;
  readonly rules?: (() => GovernRules) | undefined;
  readonly tally?: Tally | undefined;
  readonly journal?: Journal | undefined;
  /** Of two that are drawn the first is taken; so it is always that unless a test draws itself. */
  readonly draw?: (() => number) | undefined;
  readonly gpus?: WorldDeps["gpus"] | undefined;
  readonly ratedGpus?: RatedDeps["gpus"] | undefined;
}

const MUCH: DeviceFact = {
  ...{ device: "cpu", name: "main memory", totalBytes: 1e12, usedBytes: 0, reserveBytes: 0, held: new Map() },
  ...{ health: "ok", pressure: "normal", thermal: "normal" },
};

const ROOMY: WorldDeps["devices"] = {
  facts: () => [MUCH],
  listen: () => ({ [Symbol.dispose]: () => undefined }),
  main: () => null,
};

/** The real orchestrator without its doors, on a machine without a GPU; models come from endpoints alone, or from `openEngine`. */
export function testWorld(folder: string, log: Log, options: TestWorldOptions = {}): World {
  const { openEngine = realEngines(log), devices = ROOMY, rules = () => GOVERN_RULES } = options;
  const { clock = { nowMs: () => performance.now() } } = options;
  const privacy = createPrivacy({ log });
  const config = createConfigOwner({ path: join(folder, "tandem.jsonc"), env: {}, log });
  const discovery = createDiscovery({ config: () => config.now().config, clock, log, ports: [] });
  const stored = createStored(join(folder, "models.json"), log);
  const book = createRateBook({ folder: join(folder, "rates"), log, wallMs: () => Date.now() });
  const world = createWorld({
    clock,
    registry: createRegistry({ config, discovery, catalogue, stored, log }),
    devices,
    rules,
    log,
    journal: options.journal ?? silentJournal,
    stamp: () => ({ id: randomUUID(), atMs: Date.now() }),
    draw: options.draw ?? (() => 0),
    tally: options.tally ?? createTally({ clock, wallMs: () => Date.now() }),
    catalogue,
    syntax: createSyntax({ wasmPath }),
    files: createFiles(),
    store: createModelStore({ folder: join(folder, "cache"), log, clock }),
    openEngine: guardCloud(openEngine, privacy),
    privacy,
    reach: options.reach ?? reachAll,
    needs: createNeeds({
      calibration: createCalibration({ folder, log }),
      clock,
      log,
      reserveBytes: () => GPU_RESERVE_BYTES,
      follow: () => undefined,
    }),
    hardware: () => Promise.resolve(options.hardware ?? { ramBytes: 16e9, cores: 2, gpus: [] }),
    onHardware: () => ({ [Symbol.dispose]: () => undefined }),
    gpuHistory: async () => ({ gpus: [] }),
    doctor: async () => ({ tier: "CPU_ONLY", problems: [], markdown: "" }),
    rates: { book, gpus: options.ratedGpus ?? (() => []) },
    version: "0.0.0-test",
    service: () => noService,
    doors: () => ({ http: null, isDraining: false }),
    gpus: options.gpus ?? (() => ({ gpus: [], gpuSources: [] })),
    wasResident: () => false,
    onResidents: () => undefined,
  });
  return {
    ...world,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await book[Symbol.asyncDispose]();
    },
  };
}

/** Every engine can use every GPU. */
const reachAll: AskReach = async ({ gpus }) => ({ gpus, whyNot: null });

/** What opens engines outside of tests. */
export function realEngines(log: Log): OpenEngine {
  return createOpenEngine({ log, childPath: engineEntry(), shimPath: shimEntry(), register: null });
}
