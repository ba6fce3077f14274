import type { Hardware } from "./core/choose.ts";
import { TandemError } from "./errors.ts";
import type { Handlers } from "./handlers.ts";
import { type CatalogueEntry, toModelInfo } from "./models/catalogue.ts";
import { chosenModels } from "./places.ts";
import type { ModelStore } from "./ports.ts";

export interface FetchingDeps {
  readonly catalogue: readonly CatalogueEntry[];
  readonly store: ModelStore;
  readonly hardware: () => Promise<Hardware>;
}

/** What models there are, what of them is here, and what would be used on this machine. */
export async function listCatalogue({ catalogue, store, hardware }: FetchingDeps): ReturnType<Handlers["models"]> {
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
}

/** Fetches one of them. Throws TandemError. */
export async function pullModel(
  id: string,
  { store, catalogue }: FetchingDeps,
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
