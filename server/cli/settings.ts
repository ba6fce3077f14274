import { resolve } from "node:path";
import { loadConfig } from "../config/load.ts";
import { layered, settingsIn } from "../core/layers.ts";
import { TandemError } from "../errors.ts";
import { configFile } from "../platform/folders.ts";
import { fromEnvironment, VARIABLES } from "../protocol/environment.ts";
import { ClientSettings, Settings } from "../protocol/settings.ts";
import { wrongFlags } from "./flagIssue.ts";
import { fileFromHere } from "./fromHere.ts";

/** Flags that any command takes, as node:util's parseArgs wants them. */
export const SETTING_FLAGS = {
  model: { type: "string" },
  endpoint: { type: "string" },
  device: { type: "string" },
  "audit-model": { type: "string" },
  "audit-endpoint": { type: "string" },
  "audit-device": { type: "string" },
  "embed-model": { type: "string" },
  "embed-endpoint": { type: "string" },
  "embed-device": { type: "string" },
  "low-model": { type: "string" },
  "low-endpoint": { type: "string" },
  "low-device": { type: "string" },
  "high-model": { type: "string" },
  "high-endpoint": { type: "string" },
  "high-device": { type: "string" },
  cloud: { type: "string" },
  "cloud-model": { type: "string" },
  "cloud-endpoint": { type: "string" },
  "cloud-when": { type: "string" },
  "llama-server": { type: "string" },
  audit: { type: "string" },
  "audit-seconds": { type: "string" },
  repair: { type: "string" },
  "max-tokens": { type: "string" },
  timeout: { type: "string" },
  verbose: { type: "boolean" },
} as const;

export type SettingFlags = { readonly [Flag in keyof typeof SETTING_FLAGS]?: string | boolean | undefined };

/** What flags and `TANDEM_*` variables say, flags before variables. Throws TandemError bad-input naming the value that is wrong. */
export function settingsFrom(flags: SettingFlags, env: NodeJS.ProcessEnv): ClientSettings {
  const said = fromEnvironment(env);
  // What is for the orchestrator is read there, and told there.
  const wrong = said.problems.filter((it) => isOurs(it.slice(0, it.indexOf(":"))));
  if (wrong.length > 0) throw new TandemError("bad-input", wrong.join("; "), "See `tandem config` for what is allowed");
  const variables = settingsIn(said.values);
  const text = (flag: keyof SettingFlags) => (typeof flags[flag] === "string" ? flags[flag] : undefined);
  const number = (flag: keyof SettingFlags) => (text(flag) === undefined ? undefined : Number(text(flag)));
  const llamaServer = text("llama-server") ?? variables.llamaServer;
  const read = ClientSettings.safeParse({
    draft: roleOf(variables.draft, text, ""),
    audit: roleOf(variables.audit, text, "audit-"),
    embed: roleOf(variables.embed, text, "embed-"),
    low: roleOf(variables.low, text, "low-"),
    high: roleOf(variables.high, text, "high-"),
    cloud: cloudOf(variables.cloud, text),
    // From where the user is: the orchestrator is somewhere else.
    llamaServer: llamaServer ? resolve(llamaServer) : llamaServer,
    auditWhen: text("audit") ?? variables.auditWhen,
    auditSeconds: number("audit-seconds") ?? variables.auditSeconds,
    repair: text("repair") ?? variables.repair,
    maxTokens: number("max-tokens") ?? variables.maxTokens,
    timeoutS: number("timeout") ?? variables.timeoutS,
    connectTimeoutS: variables.connectTimeoutS,
    firstTokenTimeoutS: variables.firstTokenTimeoutS,
    idleTimeoutS: variables.idleTimeoutS,
    logLevel: variables.logLevel,
  });
  if (read.success) return read.data;
  throw wrongFlags(read.error, NAMES);
}

/** What holds for a command: its flags and variables over the configuration file over the defaults, as the orchestrator would have it. */
export function effectiveSettings(flags: SettingFlags, env: NodeJS.ProcessEnv): Settings {
  const { file } = loadConfig({ path: configFile(), env, before: null });
  return Settings.parse(layered(settingsIn(file), settingsFrom(flags, env)));
}

type Text = (flag: keyof SettingFlags) => string | undefined;

type Prefix = "" | "audit-" | "embed-" | "low-" | "high-";

function roleOf(variables: ClientSettings["embed"] = {}, text: Text, prefix: Prefix) {
  const flag = text(`${prefix}endpoint`);
  const endpoint = flag ?? variables.endpoint;
  // The key of the server in the variables is not for the one on the command line.
  const isOther = flag !== undefined && (variables.endpoint ?? flag) !== flag;
  return {
    ...variables,
    endpoint,
    model: fromHere(text(`${prefix}model`) ?? variables.model, endpoint),
    device: text(`${prefix}device`) ?? variables.device,
    apiKey: isOther ? undefined : variables.apiKey,
  };
}

/** Tiers with commas between them, or "never". */
function cloudOf(variables: ClientSettings["cloud"] = {}, text: Text) {
  const flag = text("cloud-endpoint");
  const isOther = flag !== undefined && (variables.endpoint ?? flag) !== flag;
  // The leave, the model and the key of the variables are for their own provider.
  const { model, apiKey, tiers } = isOther ? {} : variables;
  const said = text("cloud")
    ?.split(",")
    .map((it) => it.trim());
  return {
    ...variables,
    endpoint: flag ?? variables.endpoint,
    model: text("cloud-model") ?? model,
    apiKey,
    tiers: said === undefined ? tiers : said.filter((it) => it !== "never" && it !== ""),
    when: text("cloud-when") ?? variables.when,
  };
}

/** Whether a variable is one of a client's own settings. */
function isOurs(name: string): boolean {
  const path = VARIABLES.find((it) => it.name === name || it.aliases.includes(name))?.path ?? "";
  return /^(roles|tasks|cloud)\.|^backends\.llamaServer$/.test(path);
}

/** An endpoint's models have names only. */
function fromHere(model: string | undefined, endpoint: string | undefined): string | undefined {
  return !model || endpoint ? model : fileFromHere(model);
}

const NAMES: Readonly<Record<string, string>> = {
  auditWhen: "--audit (TANDEM_AUDIT_WHEN)",
  maxTokens: "--max-tokens (TANDEM_MAX_TOKENS)",
  auditSeconds: "--audit-seconds (TANDEM_AUDIT_SECONDS)",
  repair: "--repair (TANDEM_REPAIR)",
  timeoutS: "--timeout (TANDEM_TIMEOUT)",
  connectTimeoutS: "TANDEM_CONNECT_TIMEOUT",
  firstTokenTimeoutS: "TANDEM_FIRST_TOKEN_TIMEOUT",
  idleTimeoutS: "TANDEM_IDLE_TIMEOUT",
  logLevel: "TANDEM_LOG_LEVEL",
  "draft.vramLimitGb": "TANDEM_DRAFT_VRAM_LIMIT_GB",
  "audit.vramLimitGb": "TANDEM_AUDIT_VRAM_LIMIT_GB",
  "embed.vramLimitGb": "TANDEM_EMBED_VRAM_LIMIT_GB",
  "embed.dimensions": "TANDEM_EMBED_DIMENSIONS",
  "low.vramLimitGb": "TANDEM_LOW_VRAM_LIMIT_GB",
  "high.vramLimitGb": "TANDEM_HIGH_VRAM_LIMIT_GB",
  "cloud.tiers": "--cloud (TANDEM_CLOUD_TIERS)",
  "cloud.when": "--cloud-when (TANDEM_CLOUD_WHEN)",
  "cloud.keepLocal": "TANDEM_CLOUD_KEEP_LOCAL",
  "low.device": "--low-device (TANDEM_LOW_DEVICE)",
  "high.device": "--high-device (TANDEM_HIGH_DEVICE)",
  "draft.device": "--device (TANDEM_DRAFT_DEVICE)",
  "audit.device": "--audit-device (TANDEM_AUDIT_DEVICE)",
  "embed.device": "--embed-device (TANDEM_EMBED_DEVICE)",
};
