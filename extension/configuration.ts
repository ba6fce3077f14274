import type { SecretStorage, WorkspaceConfiguration } from "vscode";
import { window, workspace } from "vscode";
import { type SettingKey, settingKeys, userOnly } from "./ids.ts";
import { apiKeySlot, endpointRoles, normalEndpoint, type ReadSettings, readSettings } from "./settings.ts";

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

/** Undefined where nobody has set it: that comes from the configuration file, not from the default that the editor shows. */
function settingOf(configuration: WorkspaceConfiguration, key: SettingKey): unknown {
  const { globalValue, workspaceValue, workspaceFolderValue } = configuration.inspect(key) ?? {};
  if (userOnly.has(key)) return globalValue;
  const set = [globalValue, workspaceValue, workspaceFolderValue].filter((it) => it !== undefined);
  if (set.length === 0) return undefined;
  // A workspace may keep more here than its user does, and never less. What is no list is told as wrong.
  if (key === "tandem.cloud.keepLocal") return set.find((it) => !Array.isArray(it)) ?? set.flat();
  return configuration.get(key);
}

function endpoints(): readonly string[] {
  const configuration = workspace.getConfiguration();
  const values = endpointRoles.map((it) => settingOf(configuration, `tandem.${it}.endpoint`));
  const valid = values.map((it) => (typeof it === "string" ? normalEndpoint(it) : null)).filter((it) => it !== null);
  return [...new Set(valid)];
}
