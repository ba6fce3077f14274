import { z } from "zod";
import { fromEnvironment } from "../server/protocol/environment.ts";
import { ServeParams } from "../server/protocol/service.ts";
import { type ClientSettings, RoleSettings, Settings as Shape } from "../server/protocol/settings.ts";
import { type CloudSaid, cloudSettings } from "./cloudSettings.ts";
import type { DoorSettings } from "./door.ts";
import { type SettingKey, settingKeys, userOnly } from "./ids.ts";

/** Who may have an endpoint of its own. */
export const endpointRoles = ["draft", "audit", "embed", "low", "high", "cloud"] as const;
type EndpointRole = (typeof endpointRoles)[number];

/** The API key kept for an endpoint; "" for none. */
export type ApiKeyOf = (endpoint: string) => string;

export interface ReadSettings {
  /** What the user has set; what is left out comes from the environment, the configuration file and the defaults. */
  readonly settings: ClientSettings;
  /** What this window wants of the HTTP door. */
  readonly door: DoorSettings;
  /** One sentence per bad value, naming the setting. */
  readonly problems: readonly string[];
}

const IsEnabled = z.boolean().default(false);

type Values = Readonly<Partial<Record<SettingKey, unknown>>>;

/**
 * Settings as the orchestrator takes them, and those of the door; where nobody has set one, what the environment says of it. A bad value
 * counts as not set and is reported by name.
 */
export function readSettings(set: Values, apiKeyOf: ApiKeyOf, env: Environment = {}): ReadSettings {
  const variables = environmentOf(env);
  const values: Values = { ...variables.values, ...defined(set) };
  const problems: string[] = [...variables.problems];
  const given = <T>(key: SettingKey, field: Field<T>): T | undefined => {
    if (values[key] === undefined) return undefined;
    const parsed = field.safeParse(values[key]);
    if (parsed.success) return parsed.data;
    const name = set[key] === undefined ? variables.names.get(key) : key;
    problems.push(`${name}: ${parsed.error.issues[0]?.message ?? "not valid"}`);
    return undefined;
  };
  const role = (name: Exclude<EndpointRole, "cloud">): ClientSettings["draft"] => {
    const key = `tandem.${name}.endpoint` as const;
    const endpoint = checkedEndpoint(key, values, problems);
    const model = given(`tandem.${name}.model`, RoleSettings.shape.model);
    // A variable's key is for the variable's server alone.
    const ownKey = set[key] === undefined ? env[`TANDEM_${name.toUpperCase()}_API_KEY`] : undefined;
    return {
      endpoint,
      model: model === "" ? "auto" : model,
      device: given(`tandem.${name}.device`, RoleSettings.shape.device),
      apiKey: endpoint === undefined ? undefined : endpoint && (ownKey ?? apiKeyOf(endpoint)),
    };
  };
  const settings = {
    draft: role("draft"),
    audit: role("audit"),
    embed: role("embed"),
    low: role("low"),
    high: role("high"),
    cloud: cloudSettings(
      {
        set: cloudIn(set),
        variables: cloudIn(variables.values),
        normalEndpoint,
        keyOf: apiKeyOf,
        variableKey: env.TANDEM_CLOUD_API_KEY,
      },
      problems,
    ),
    llamaServer: given("tandem.llamaServer", Shape.shape.llamaServer)?.trim(),
    auditWhen: given("tandem.auditWhen", Shape.shape.auditWhen),
    auditSeconds: given("tandem.auditSeconds", Shape.shape.auditSeconds),
    repair: given("tandem.repair", Shape.shape.repair),
    rules: given("tandem.rules", Shape.shape.rules),
    maxTokens: given("tandem.maxTokens", Shape.shape.maxTokens),
    timeoutS: given("tandem.timeoutSeconds", Shape.shape.timeoutS),
    connectTimeoutS: given("tandem.connectTimeoutSeconds", Shape.shape.connectTimeoutS),
    firstTokenTimeoutS: given("tandem.firstTokenTimeoutSeconds", Shape.shape.firstTokenTimeoutS),
    idleTimeoutS: given("tandem.idleTimeoutSeconds", Shape.shape.idleTimeoutS),
    logLevel: given("tandem.logLevel", Shape.shape.logLevel),
  };
  const door = {
    isEnabled: given("tandem.http.enabled", IsEnabled) ?? IsEnabled.parse(undefined),
    port: given("tandem.http.port", ServeParams.shape.port) ?? ServeParams.shape.port.parse(undefined),
  };
  return { settings, door, problems };
}

/** Where the editor found values of one setting. */
export interface Inspected {
  readonly globalValue?: unknown;
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
}

/**
 * What holds of a setting, `effective` being the editor's word. Undefined where nobody has set it: that comes from the configuration file,
 * not from the default that the editor shows. No workspace decides where text goes.
 */
export function valueIn(key: SettingKey, inspected: Inspected, effective: unknown): unknown {
  const { globalValue, workspaceValue, workspaceFolderValue } = inspected;
  if (userOnly.has(key)) return globalValue;
  const set = [globalValue, workspaceValue, workspaceFolderValue].filter((it) => it !== undefined);
  if (set.length === 0) return undefined;
  // A workspace may keep more here than its user does, and never less. What is no list is told as wrong.
  if (key === "tandem.cloud.keepLocal") return set.find((it) => !Array.isArray(it)) ?? set.flat();
  return effective;
}

/** Where a key is kept: keys belong to a server, so that a changed endpoint never receives another server's key. */
export function apiKeySlot(endpoint: string): string {
  return `tandem.apiKey ${new URL(endpoint).origin}`;
}

/** The endpoint without a slash at its end, or null when it is no http address. */
export function normalEndpoint(value: string): string | null {
  const trimmed = value.trim().replace(/\/+$/, "");
  if (!URL.canParse(trimmed)) return null;
  return /^https?:$/.test(new URL(trimmed).protocol) ? trimmed : null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What variables say of the settings, by the settings' names. */
function environmentOf(env: Environment) {
  const { values, origins, problems, conflicts } = fromEnvironment(env);
  const found: Partial<Record<SettingKey, unknown>> = {};
  const names = new Map<SettingKey, string>();
  for (const key of settingKeys) {
    const path = key.replace(/^tandem\./, "");
    const full = [`roles.${path}`, `tasks.${path}`, `backends.${path}`, path].find((it) => origins.has(it));
    if (full === undefined) continue;
    found[key] = full.split(".").reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], values);
    names.set(key, origins.get(full) ?? key);
  }
  return { values: found, names, problems: [...problems, ...conflicts] };
}

function cloudIn(values: Values): CloudSaid {
  return {
    endpoint: values["tandem.cloud.endpoint"],
    model: values["tandem.cloud.model"],
    tiers: values["tandem.cloud.tiers"],
    when: values["tandem.cloud.when"],
    keepLocal: values["tandem.cloud.keepLocal"],
  };
}

function defined(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, it]) => it !== undefined));
}

type Parsed<T> = { success: true; data: T } | { success: false; error: { issues: readonly { message: string }[] } };
interface Field<T> {
  safeParse(value: unknown): Parsed<T>;
}

/** Undefined: not set, or no address. */
function checkedEndpoint(key: SettingKey, values: Values, problems: string[]): string | undefined {
  const value = values[key];
  if (value === undefined) return undefined;
  if (typeof value === "string" && value.trim() === "") return "";
  const endpoint = typeof value === "string" ? normalEndpoint(value) : null;
  if (endpoint === null) problems.push(`${key}: use an address such as http://127.0.0.1:8080, or leave it empty`);
  return endpoint ?? undefined;
}
