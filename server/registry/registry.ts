import { realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Loaded } from "../config/load.ts";
import type { ConfigOwner } from "../config/owner.ts";
import type { EndpointSource, LocalSource } from "../core/assign.ts";
import { layered, settingsIn } from "../core/layers.ts";
import { type Known, listOf, openModels } from "../core/registryList.ts";
import { alreadyServed } from "../core/served.ts";
import type { Discovery } from "../discovery/discovery.ts";
import { TandemError } from "../errors.ts";
import type { CatalogueEntry } from "../models/catalogue.ts";
import type { Log } from "../ports.ts";
import type { Config } from "../protocol/config.ts";
import type { ConfigModel } from "../protocol/configModel.ts";
import type { RegisteredModel, Registry as Shown } from "../protocol/registry.ts";
import { type ClientSettings, Settings } from "../protocol/settings.ts";
import { createRegistrations } from "./registrations.ts";
import type { Stored } from "./stored.ts";

/** What the user has set, and every model there is by name: the configuration file's, registered ones, those of found servers. */
export interface Registry extends Disposable {
  /** The configuration file's values, with the environment of this orchestrator over them. */
  config(): Config;
  /** A client's settings over the configuration file's over the defaults. */
  settings(client: ClientSettings): Settings;
  /** The user's own models: the configuration file's and registered ones. */
  own(): readonly ConfigModel[];
  /** Models that a name can stand for beside the catalogue's. */
  models(): readonly ConfigModel[];
  /** Everything there is, for people. */
  shown(): Promise<Shown>;
  /** Reads the configuration file again and looks for servers, now. */
  look(signal: AbortSignal): Promise<void>;
  /** The server that has this model file loaded already; null: none, or it is not to be used. */
  served(source: LocalSource, path: string): Promise<EndpointSource | null>;
  /** Throws TandemError bad-input where another model has the name. */
  register(model: ConfigModel): Promise<RegisteredModel>;
  unregister(name: string): Promise<void>;
  /** Called when settings or models are others than before. Stop by disposing. */
  listen(listener: () => void): Disposable;
}

export interface RegistryDeps {
  readonly config: ConfigOwner;
  readonly discovery: Discovery;
  readonly catalogue: readonly CatalogueEntry[];
  readonly stored: Stored;
  readonly log: Log;
}

export function createRegistry({ config, discovery, catalogue, stored, log }: RegistryDeps): Registry {
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const it of listeners) it();
  };
  const following = [config.listen(tell), discovery.listen(tell)];
  const registrations = createRegistrations({ stored, log, onChange: tell });

  const own = () => {
    const { path, config: now } = config.now();
    return { config: now.models.map((it) => placed(it, dirname(path))), registered: registrations.now() };
  };
  const known = (): Known => ({ ...own(), catalogue, servers: discovery.servers() });

  return {
    config: () => config.now().config,
    settings: (client) => Settings.parse(layered(settingsIn(config.now().file), client)),
    own: () => openModels({ ...own(), catalogue: [], servers: [] }),
    models: () => openModels(known()),
    async shown() {
      await registrations.settled();
      const { path, problems } = config.now();
      const now = known();
      return { models: listOf(now), servers: [...now.servers], configFile: path, problems: [...problems] };
    },
    async look(signal) {
      config.reread();
      await discovery.look(signal);
    },
    async served(source, path) {
      if (!config.now().config.discovery.isAttached) return null;
      const file = { path: await realpath(path), bytes: (await stat(path)).size };
      const found = alreadyServed(source, file, await discovery.known());
      // It may have gone since it was seen.
      return found && (await discovery.isThere(found.url)) ? found : null;
    },
    async register(model) {
      const owner = ownerOf(model.name, config.now(), catalogue);
      if (owner)
        throw new TandemError("bad-input", `${owner} has a model called "${model.name}"`, "Choose another name");
      await registrations.add(model);
      const made = listOf(known()).find((it) => it.origin === "registered" && it.name === model.name);
      if (!made) throw new Error(`${model.name} is registered and not listed`);
      return made;
    },
    unregister: (name) => registrations.remove(name),
    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.dispose]() {
      for (const it of following) it[Symbol.dispose]();
      listeners.clear();
    },
  };
}

/** Whose a name is already; null: it is free. */
function ownerOf(name: string, { path, config }: Loaded, catalogue: readonly CatalogueEntry[]): string | null {
  if (config.models.some((it) => it.name === name)) return `The configuration file, ${path},`;
  return catalogue.some((it) => it.id === name) ? "The catalogue" : null;
}

/** A file is meant from where the configuration lies; `~` and hubs' ids are left alone. */
function placed(model: ConfigModel, folder: string): ConfigModel {
  const { model: file } = model;
  if (file === undefined || !/^\.{1,2}[\\/]|\.gguf$/i.test(file) || /^(~|file:)/.test(file)) return model;
  return { ...model, model: resolve(folder, file) };
}
