import type { EngineView } from "../core/route.ts";
import type { Role } from "../protocol/models.ts";
import type { ModelList } from "../protocol/openai.ts";
import type { OpenAiDeps } from "./deps.ts";
import { isMet, meetEndpoints } from "./meetEndpoints.ts";

type Listed = ModelList["data"][number];

/** What a request may name: "auto", the models of the session's engines, what their servers have besides, and the catalogue's that are on this machine. */
export async function listModels(deps: OpenAiDeps, signal: AbortSignal): Promise<ModelList> {
  await meetEndpoints(deps, signal);
  const created = Math.floor(deps.stamp().atMs / 1000);
  const engines = deps.scheduler.snapshot().filter(isMet);
  const auto: Listed = { ...listed("auto", created), roles: rolesOf(engines) };
  const cached = (await deps.cached()).map(
    ({ id, contextTokens, roles }): Listed => ({ ...listed(id, created), context_length: contextTokens, roles }),
  );
  const besides = engines.flatMap(({ serves, device }) =>
    serves.map((id): Listed => ({ ...listed(id, created), owned_by: device })),
  );
  const all = [auto, ...engines.map((it) => ofEngine(it, engines, created)), ...besides, ...cached];
  return { object: "list", data: all.filter(({ id }, at) => all.findIndex((it) => it.id === id) === at) };
}

function listed(id: string, created: number): Listed {
  return { id, object: "model", created, owned_by: "tandem", context_length: null, engine: null, roles: [] };
}

function ofEngine({ id, kind, model, device }: EngineView, engines: readonly EngineView[], created: number): Listed {
  return {
    ...listed(model.id, created),
    owned_by: kind === "endpoint" ? device : "tandem",
    context_length: model.contextTokens,
    engine: id,
    roles: rolesOf(engines.filter((it) => it.model.id === model.id)),
  };
}

function rolesOf(engines: readonly EngineView[]): Role[] {
  return [...new Set(engines.flatMap((it) => it.roles))];
}
