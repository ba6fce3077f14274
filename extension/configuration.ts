import type { SecretStorage, WorkspaceConfiguration } from "vscode";
import { window, workspace } from "vscode";
import { settingKeys } from "./ids.ts";
import { apiKeySlot, normalEndpoint, type ReadSettings, readSettings } from "./settings.ts";

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
      const values = Object.fromEntries(
        settingKeys.map((key) => [key, isSet(configuration, key) ? configuration.get(key) : undefined]),
      );
      const { problems, ...read } = readSettings(values, (endpoint) => keys.get(endpoint) ?? "", process.env);
      const fresh = problems.filter((it) => !reported.has(it));
      for (const problem of fresh) reported.add(problem);
      if (fresh.length > 0) void window.showWarningMessage(`Tandem uses defaults instead of: ${fresh.join("; ")}`);
      return read;
    },
  };
}

/** Whether anybody has set it: what nobody has comes from the configuration file, not from the default that the editor shows. */
function isSet(configuration: WorkspaceConfiguration, key: string): boolean {
  const { globalValue, workspaceValue, workspaceFolderValue } = configuration.inspect(key) ?? {};
  return [globalValue, workspaceValue, workspaceFolderValue].some((it) => it !== undefined);
}

function endpoints(): readonly string[] {
  const configuration = workspace.getConfiguration();
  const values = (["draft", "audit", "embed"] as const).map((it) => configuration.get(`tandem.${it}.endpoint`));
  const valid = values.map((it) => (typeof it === "string" ? normalEndpoint(it) : null)).filter((it) => it !== null);
  return [...new Set(valid)];
}
