import type { ConfigModel } from "../protocol/configModel.ts";
import type { Role } from "../protocol/models.ts";
import type { FoundServer, RegisteredModel } from "../protocol/registry.ts";

/** Where models come from; an earlier one hides a later one of its name. */
export interface Known {
  readonly config: readonly ConfigModel[];
  readonly registered: readonly ConfigModel[];
  readonly catalogue: readonly { readonly id: string; readonly roles: readonly Role[] }[];
  readonly servers: readonly FoundServer[];
}

/** Every model by its name, with what stands in the way of those that share one. */
export function listOf({ config, registered, catalogue, servers }: Known): RegisteredModel[] {
  const all = [
    ...config.map((it) => ofUser(it, "config")),
    ...registered.map((it) => ofUser(it, "registered")),
    ...catalogue.map(({ id, roles }) => listed({ name: id, origin: "catalogue", where: id, roles: [...roles] })),
    ...servers.flatMap(ofServer),
  ];
  const first = new Map<string, RegisteredModel>();
  for (const it of all) if (!first.has(it.name)) first.set(it.name, it);
  return all.map((it) => {
    const winner = first.get(it.name);
    return winner === it || winner === undefined ? it : { ...it, hiddenBy: hidden(winner) };
  });
}

/** The models that a name can stand for, as the user would have written them: his own, then what servers have. */
export function openModels({ config, registered, catalogue, servers }: Known): ConfigModel[] {
  const taken = new Set<string>();
  const own = [...config, ...registered].filter((it) => !taken.has(it.name) && taken.add(it.name));
  for (const it of catalogue) taken.add(it.id);
  const found = servers.filter((it) => !it.needsKey && !it.isForeign).flatMap(modelsOf);
  return [...own, ...found.filter((it) => !taken.has(it.name) && taken.add(it.name))];
}

/** By its own name, and by that with its address, for servers that have the same model. */
function modelsOf({ url, kind, models }: FoundServer): ConfigModel[] {
  const backend = kind === "ollama" ? "ollama" : "endpoint";
  return models.flatMap(({ name }) =>
    [name, `${name}@${hostOf(url)}`].map((it) => ({ name: it, backend, model: name, url }) as const),
  );
}

function ofServer({ url, kind, models }: FoundServer): RegisteredModel[] {
  const backend = kind === "ollama" ? "ollama" : "endpoint";
  return models.map(({ name, use }) =>
    listed({
      name,
      origin: "discovered",
      backend,
      where: url,
      port: portOf(url),
      roles: use === "embed" ? ["embed"] : [],
    }),
  );
}

function ofUser(model: ConfigModel, origin: "config" | "registered"): RegisteredModel {
  const { name, backend, url, port, roles = [], bestFor = null, vramGb = null } = model;
  const where =
    url ??
    (port === undefined
      ? backend === "ollama"
        ? "http://127.0.0.1:11434"
        : (model.model ?? "")
      : `http://127.0.0.1:${port}`);
  return listed({ name, origin, backend, where, roles, bestFor, vramGb, port: port ?? (url ? portOf(url) : null) });
}

function listed(it: Pick<RegisteredModel, "name" | "origin" | "where"> & Partial<RegisteredModel>): RegisteredModel {
  return { backend: "embedded", roles: [], bestFor: null, vramGb: null, port: null, hiddenBy: null, ...it };
}

const ORIGINS: Readonly<Record<RegisteredModel["origin"], string>> = {
  config: "the configuration file has",
  registered: "somebody registered",
  catalogue: "the catalogue has",
  discovered: "a server found earlier has",
};

function hidden({ origin, where }: RegisteredModel): string {
  return `${ORIGINS[origin]} another model of this name (${where})`;
}

function portOf(url: string): number | null {
  return Number(/:(\d+)(\/|$)/.exec(url)?.[1]) || null;
}

function hostOf(url: string): string {
  return url.replace(/^https?:\/\//, "");
}
