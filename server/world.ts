import type { Hardware } from "./core/choose.ts";
import { TandemError } from "./errors.ts";
import type { Handlers } from "./handlers.ts";
import { type CatalogueEntry, toModelInfo } from "./models/catalogue.ts";
import { chosenModels, places } from "./places.ts";
import type { Clock, Files, Log, ModelStore, OpenEngine, Syntax } from "./ports.ts";
import { Settings } from "./protocol/settings.ts";
import type { Status } from "./protocol/status.ts";
import { createScheduler } from "./scheduler.ts";
import { generate } from "./tasks/generate.ts";
import { run } from "./tasks/run.ts";

export interface WorldDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly syntax: Syntax;
  readonly files: Files;
  readonly store: ModelStore;
  readonly catalogue: readonly CatalogueEntry[];
  readonly openEngine: OpenEngine;
  /** Asked when first needed, so that the start does not wait for a driver. */
  readonly hardware: () => Promise<Hardware>;
  readonly version: string;
  readonly onStatus: (status: Status) => void;
}

export interface World extends AsyncDisposable {
  readonly handlers: Handlers;
  configure(settings: Settings): void;
}

/** The orchestrator without its doors: every part wired to every other. */
export function createWorld(deps: WorldDeps): World {
  let settings = Settings.parse({});
  let ready: Promise<void> | null = null;
  let running = 0;
  const scheduler = createScheduler({ clock: deps.clock, log: deps.log, onChange: () => deps.onStatus(status()) });
  const status = (): Status => ({ pid: process.pid, version: deps.version, engines: scheduler.status(), running });

  /** Engines are placed at the first use and again when the settings changed. */
  async function placed(): Promise<void> {
    const wanted = settings;
    ready ??= place(wanted);
    const mine = ready;
    try {
      await mine;
    } catch (error) {
      if (ready === mine) ready = null;
      throw error;
    }
    // Settings that changed meanwhile are the ones that count.
    if (wanted !== settings) await placed();
  }

  async function place(wanted: Settings): Promise<void> {
    const hardware = await deps.hardware();
    const next = await places(wanted, { ...deps, hardware });
    if (wanted === settings) scheduler.configure(next);
  }

  async function counted<T>(work: () => Promise<T>): Promise<T> {
    await placed();
    running++;
    try {
      return await work();
    } finally {
      running--;
      deps.onStatus(status());
    }
  }

  const handlers: Handlers = {
    run: (params, { emit, signal }) => counted(() => run(params, { ...deps, scheduler, settings }, emit, signal)),
    generate: (params, { emit, signal }) =>
      counted(() => generate(params, { ...deps, scheduler, settings }, emit, signal)),
    async status() {
      await placed();
      return status();
    },
    models: () => listModels(deps),
    pull: (params, call) => pullModel(params.model, deps, call),
  };
  return {
    handlers,
    configure(next) {
      settings = next;
      ready = null;
    },
    [Symbol.asyncDispose]: () => scheduler[Symbol.asyncDispose](),
  };
}

const listModels: (deps: WorldDeps) => ReturnType<Handlers["models"]> = async ({ catalogue, store, hardware }) => {
  const choice = chosenModels({ catalogue, hardware: await hardware() });
  const models = catalogue.map(async (entry) => ({
    ...toModelInfo(entry),
    roles: entry.roles,
    bytes: entry.bytes,
    licence: entry.licence,
    isCached: await store.isCached(entry.id),
    isChosen: entry.id === choice.draft.model || entry.id === choice.audit.model,
  }));
  return { models: await Promise.all(models), cacheFolder: store.folder };
};

async function pullModel(
  id: string,
  { store, catalogue }: WorldDeps,
  { emit, signal }: Parameters<Handlers["pull"]>[1],
): ReturnType<Handlers["pull"]> {
  if (!id.startsWith("file:") && !catalogue.some((it) => it.id === id))
    throw new TandemError(
      "bad-input",
      `There is no model "${id}" in the catalogue`,
      `Choose one of: ${catalogue.map((it) => it.id).join(", ")}`,
    );
  const { model, path } = await store.ensure(id, null, (progress) => emit({ kind: "downloading", progress }), signal);
  return { model, path };
}
