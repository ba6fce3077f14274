import { type ClientSettings, Settings } from "../server/protocol/settings.ts";

type Cloud = NonNullable<ClientSettings["cloud"]>;

/** What is said of the cloud in one place: the editor's settings, or the environment. Unchecked. */
export interface CloudSaid {
  readonly endpoint?: unknown;
  readonly model?: unknown;
  readonly tiers?: unknown;
  readonly when?: unknown;
  readonly keepLocal?: unknown;
}

export interface CloudGiven {
  readonly set: CloudSaid;
  readonly variables: CloudSaid;
  /** The address as it is used; null: it is none. */
  readonly normalEndpoint: (value: string) => string | null;
  /** The key of this endpoint; "" for none. */
  readonly keyOf: (endpoint: string) => string;
  /** The environment's, which is for the environment's provider alone. */
  readonly variableKey: string | undefined;
}

const { shape } = Settings.shape.cloud.unwrap();

/**
 * The cloud as the editor's settings have it over the environment's. With anything wrong in it, it is off: what was meant to stay here must
 * not go because of a slip of the pen. What the environment allows, it allows to its own provider.
 */
export function cloudSettings(given: CloudGiven, problems: string[]): Cloud {
  const { set, variables } = given;
  const wrong: string[] = [];
  const parsed = <Key extends Exclude<keyof CloudSaid, "endpoint">>(key: Key, value: unknown) => {
    if (value === undefined) return undefined;
    const read = shape[key].safeParse(value);
    if (read.success) return read.data as Cloud[Key];
    wrong.push(`tandem.cloud.${key}: ${read.error.issues[0]?.message ?? "not valid"}`);
    return undefined;
  };
  const endpoint = endpointOf(set.endpoint ?? variables.endpoint, given, wrong);
  const isMoved = set.endpoint !== undefined && variables.endpoint !== undefined && set.endpoint !== variables.endpoint;
  const below: CloudSaid = isMoved ? {} : variables;
  const keepLocal = [parsed("keepLocal", set.keepLocal), parsed("keepLocal", variables.keepLocal)];
  const ownKey = set.endpoint === undefined ? given.variableKey : undefined;
  const model = parsed("model", set.model ?? below.model);
  const cloud: Cloud = {
    endpoint,
    model: model === "" ? "auto" : model,
    apiKey: endpoint === undefined ? undefined : endpoint && (ownKey ?? given.keyOf(endpoint)),
    tiers: parsed("tiers", set.tiers ?? below.tiers),
    when: parsed("when", set.when ?? below.when),
    keepLocal: keepLocal.some((it) => it !== undefined) ? [...new Set(keepLocal.flatMap((it) => it ?? []))] : undefined,
  };
  if (wrong.length === 0) return cloud;
  problems.push(...wrong.map((it) => `${it} (until that is right, the cloud is off)`));
  return { ...cloud, tiers: [] };
}

function endpointOf(value: unknown, { normalEndpoint }: CloudGiven, wrong: string[]): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value.trim() === "") return "";
  const endpoint = typeof value === "string" ? normalEndpoint(value) : null;
  if (endpoint === null) wrong.push("tandem.cloud.endpoint: use an address such as https://api.example.com/v1");
  return endpoint ?? undefined;
}
