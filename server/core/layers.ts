import type { Config } from "../protocol/config.ts";
import type { ClientSettings } from "../protocol/settings.ts";

/** Part of a configuration: what a file or an environment says. */
export type ConfigPart = DeepPartial<Config>;
type DeepPartial<T> = T extends readonly (infer Item)[]
  ? readonly Item[]
  : T extends object
    ? { readonly [Key in keyof T]?: DeepPartial<T[Key]> | undefined }
    : T;

/** What a part of a configuration says of a client's settings. */
export function settingsIn({ roles, tasks, cloud, backends }: ConfigPart): ClientSettings {
  return {
    draft: roles?.draft,
    audit: roles?.audit,
    embed: roles?.embed,
    low: roles?.low,
    high: roles?.high,
    cloud: cloud && {
      ...cloud,
      tiers: cloud.tiers && [...cloud.tiers],
      keepLocal: cloud.keepLocal && [...cloud.keepLocal],
    },
    llamaServer: backends?.llamaServer,
    auditWhen: tasks?.auditWhen,
    auditSeconds: tasks?.auditSeconds,
    repair: tasks?.repair,
    rules: tasks?.rules ? [...tasks.rules] : undefined,
    maxTokens: tasks?.maxTokens,
    timeoutS: tasks?.timeoutSeconds,
    connectTimeoutS: tasks?.connectTimeoutSeconds,
    firstTokenTimeoutS: tasks?.firstTokenTimeoutSeconds,
    idleTimeoutS: tasks?.idleTimeoutSeconds,
    logLevel: tasks?.logLevel,
  };
}

/**
 * `upper` over `lower`, value by value. Who names another endpoint begins its role's model and key anew: those were meant for the
 * server below, and a key must not reach another one.
 */
export function layered(lower: ClientSettings, upper: ClientSettings): ClientSettings {
  return {
    ...lower,
    ...defined(upper),
    draft: layeredRole(lower.draft, upper.draft),
    audit: layeredRole(lower.audit, upper.audit),
    embed: layeredRole(lower.embed, upper.embed),
    low: layeredRole(lower.low, upper.low),
    high: layeredRole(lower.high, upper.high),
    cloud: layeredCloud(lower.cloud, upper.cloud),
  };
}

type Cloud = NonNullable<ClientSettings["cloud"]>;

/** What one layer keeps here no other layer sends. Who names another provider begins its model, key and tiers anew: the leave was for that below. */
function layeredCloud(lower: Cloud = {}, upper: Cloud = {}): Cloud {
  const isMoved = upper.endpoint !== undefined && upper.endpoint !== (lower.endpoint ?? "");
  const { model: _model, apiKey: _key, tiers: _tiers, ...others } = lower;
  // Without an endpoint they are meant for whichever is named.
  const kept = isMoved && lower.endpoint ? others : lower;
  const keepLocal = [...new Set([...(lower.keepLocal ?? []), ...(upper.keepLocal ?? [])])];
  return { ...kept, ...defined(upper), keepLocal };
}

type Role = NonNullable<ClientSettings["embed"]>;

function layeredRole(lower: Role = {}, upper: Role = {}): Role {
  const isMoved = upper.endpoint !== undefined && upper.endpoint !== (lower.endpoint ?? "");
  if (!isMoved) return { ...lower, ...defined(upper) };
  const { model: _model, dimensions: _dimensions, apiKey, ...rest } = lower;
  // A key without an endpoint is meant for whichever is named.
  const kept = lower.endpoint || apiKey === undefined ? rest : { ...rest, apiKey };
  return { ...kept, ...defined(upper) };
}

/** Without what is there by name only. */
function defined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

/** One part of a configuration over another, value by value; lists are taken whole. */
export function partOver(lower: ConfigPart, upper: ConfigPart): ConfigPart {
  const part = over(lower, upper) as ConfigPart;
  const kept = [lower, upper].flatMap((it) => it.cloud?.keepLocal ?? []);
  return kept.length === 0 ? part : { ...part, cloud: { ...part.cloud, keepLocal: [...new Set(kept)] } };
}

function over(lower: unknown, upper: unknown): unknown {
  if (upper === undefined) return lower;
  if (!isTable(lower) || !isTable(upper)) return upper;
  const keys = new Set([...Object.keys(lower), ...Object.keys(upper)]);
  return Object.fromEntries([...keys].map((key) => [key, over(lower[key], upper[key])]));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
