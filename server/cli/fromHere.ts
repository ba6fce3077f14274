import { resolve } from "node:path";

/**
 * A model file is meant relative to where the command was typed; the orchestrator works elsewhere. `file:///…` and `~/…` say where
 * themselves; anything else is a name and stays as it is.
 */
export function fileFromHere(model: string): string {
  const path = model.startsWith("file:") ? model.slice("file:".length) : /\.gguf$/i.test(model) ? model : null;
  return path === null || /^(\/\/|~)/.test(path) ? model : `file:${resolve(path)}`;
}
