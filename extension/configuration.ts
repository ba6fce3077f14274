import type { SecretStorage, WorkspaceConfiguration } from "vscode";
import { window, workspace } from "vscode";
import { type SettingKey, settingKeys } from "./ids.ts";
import { apiKeySlot, endpointRoles, normalEndpoint, type ReadSettings, readSettings, valueIn } from "./settings.ts";

/** The settings as they are now, with the keys kept for their endpoints. Bad values are reported, once each. */
export interface Configuration {
  read(): Promise<Omit<ReadSettings, "problems">>;
  /** The endpoints in use, as they are written in the settings. */
  endpoints(): readonly string[];
}

export function createConfiguration(secrets: SecretStorage): Configuration {
  const reported = new Set<string>();
  return {
    endpoints,
    async read() {
      const keys = new Map<string, string>();
      for (const endpoint of endpoints()) keys.set(endpoint, (await secrets.get(apiKeySlot(endpoint))) ?? "");
      const configuration = workspace.getConfiguration();
      const values = Object.fromEntries(settingKeys.map((key) => [key, settingOf(configuration, key)]));
      const { problems, ...read } = readSettings(values, (endpoint) => keys.get(endpoint) ?? "", process.env);
      const fresh = problems.filter((it) => !reported.has(it));
      for (const problem of fresh) reported.add(problem);
      if (fresh.length > 0) void window.showWarningMessage(`Tandem uses defaults instead of: ${fresh.join("; ")}`);
      return read;
    },
  };
}

function settingOf(configuration: WorkspaceConfiguration, key: SettingKey): unknown {
  return valueIn(key, configuration.inspect(key) ?? {}, configuration.get(key));
}

function endpoints(): readonly string[] {
  const configuration = workspace.getConfiguration();
  const values = endpointRoles.map((it) => settingOf(configuration, `tandem.${it}.endpoint`));
  const valid = values.map((it) => (typeof it === "string" ? normalEndpoint(it) : null)).filter((it) => it !== null);
  return [...new Set(valid)];
}
