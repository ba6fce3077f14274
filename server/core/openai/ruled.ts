import type { CloudPermission, EngineView } from "../route.ts";
import { findNamed } from "./named.ts";

/** Who may write where a rule of the user's names a model: the engine that has it, for all of the task; all, where none has it. */
export function ruledEngines(
  engines: readonly EngineView[],
  model: string | null,
  cloud: CloudPermission | null,
): { readonly engines: readonly EngineView[]; readonly why: readonly string[] } {
  if (model === null) return { engines, why: [] };
  const permitted = engines.filter((it) => !it.isCloud || cloud?.isAllowed);
  const named = findNamed(permitted, model, "write");
  if (named) return { engines: [{ ...named, roles: ["draft", "audit"] }], why: [] };
  if (findNamed(engines, model, "write"))
    return { engines, why: [`"${model}", which your rule names, is in the cloud: ${cloud?.why ?? "which is off"}`] };
  return { engines, why: [`no engine has "${model}", which your rule names`] };
}
