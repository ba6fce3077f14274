import { resolve } from "node:path";
import type { z } from "zod";
import { Settings } from "../protocol/settings.ts";
import { wrongFlags } from "./flagIssue.ts";

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

/** Flags win over `TANDEM_*` variables, those over the defaults. Throws TandemError bad-input naming the value that is wrong. */
export function settingsFrom(flags: SettingFlags, env: NodeJS.ProcessEnv): z.output<typeof Settings> {
  const text = (flag: keyof SettingFlags, variable: string) =>
    typeof flags[flag] === "string" ? flags[flag] : env[variable];
  const number = (value: string | undefined) => (value === undefined ? undefined : Number(value));
  const llamaServer = text("llama-server", "TANDEM_LLAMA_SERVER");
  const role = (prefix: "" | "audit-" | "embed-", name: "DRAFT" | "AUDIT" | "EMBED") => {
    const endpoint = text(`${prefix}endpoint`, `TANDEM_${name}_ENDPOINT`);
    return {
      endpoint,
      model: fromHere(text(`${prefix}model`, `TANDEM_${name}_MODEL`), endpoint),
      device: text(`${prefix}device`, `TANDEM_${name}_DEVICE`),
      apiKey: env[`TANDEM_${name}_API_KEY`],
    };
  };
  const read = Settings.safeParse({
    draft: role("", "DRAFT"),
    audit: role("audit-", "AUDIT"),
    embed: role("embed-", "EMBED"),
    // From where the user is: the orchestrator is somewhere else.
    llamaServer: llamaServer ? resolve(llamaServer) : llamaServer,
    auditWhen: text("audit", "TANDEM_AUDIT_WHEN"),
    maxTokens: number(text("max-tokens", "TANDEM_MAX_TOKENS")),
    timeoutS: number(text("timeout", "TANDEM_TIMEOUT")),
    logLevel: env.TANDEM_LOG_LEVEL,
  });
  if (read.success) return read.data;
  throw wrongFlags(read.error, NAMES);
}

/** A model file is meant relative to where the command was typed; the orchestrator works elsewhere. An endpoint's models have names only. */
function fromHere(model: string | undefined, endpoint: string | undefined): string | undefined {
  if (!model || endpoint) return model;
  const path = model.startsWith("file:") ? model.slice("file:".length) : /\.gguf$/i.test(model) ? model : null;
  // `file:///…` and `~/…` say where themselves.
  return path === null || /^(\/\/|~)/.test(path) ? model : `file:${resolve(path)}`;
}

const NAMES: Readonly<Record<string, string>> = {
  auditWhen: "--audit (TANDEM_AUDIT_WHEN)",
  maxTokens: "--max-tokens (TANDEM_MAX_TOKENS)",
  timeoutS: "--timeout (TANDEM_TIMEOUT)",
  logLevel: "TANDEM_LOG_LEVEL",
  "draft.device": "--device (TANDEM_DRAFT_DEVICE)",
  "audit.device": "--audit-device (TANDEM_AUDIT_DEVICE)",
  "embed.device": "--embed-device (TANDEM_EMBED_DEVICE)",
};
