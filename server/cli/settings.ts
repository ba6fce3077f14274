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
  "llama-server": { type: "string" },
  audit: { type: "string" },
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
    // From where the user is: the orchestrator is somewhere else.
    llamaServer: llamaServer ? resolve(llamaServer) : llamaServer,
    auditWhen: text("audit") ?? variables.auditWhen,
    maxTokens: number("max-tokens") ?? variables.maxTokens,
    timeoutS: number("timeout") ?? variables.timeoutS,
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

function roleOf(variables: ClientSettings["embed"] = {}, text: Text, prefix: "" | "audit-" | "embed-") {
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

/** Whether a variable is one of a client's own settings. */
function isOurs(name: string): boolean {
  const path = VARIABLES.find((it) => it.name === name || it.aliases.includes(name))?.path ?? "";
  return /^(roles|tasks)\.|^backends\.llamaServer$/.test(path);
}

/** An endpoint's models have names only. */
function fromHere(model: string | undefined, endpoint: string | undefined): string | undefined {
  return !model || endpoint ? model : fileFromHere(model);
}

const NAMES: Readonly<Record<string, string>> = {
  auditWhen: "--audit (TANDEM_AUDIT_WHEN)",
  maxTokens: "--max-tokens (TANDEM_MAX_TOKENS)",
  timeoutS: "--timeout (TANDEM_TIMEOUT)",
  logLevel: "TANDEM_LOG_LEVEL",
  "draft.vramLimitGb": "TANDEM_DRAFT_VRAM_LIMIT_GB",
  "audit.vramLimitGb": "TANDEM_AUDIT_VRAM_LIMIT_GB",
  "embed.vramLimitGb": "TANDEM_EMBED_VRAM_LIMIT_GB",
  "embed.dimensions": "TANDEM_EMBED_DIMENSIONS",
  "draft.device": "--device (TANDEM_DRAFT_DEVICE)",
  "audit.device": "--audit-device (TANDEM_AUDIT_DEVICE)",
  "embed.device": "--embed-device (TANDEM_EMBED_DEVICE)",
};
