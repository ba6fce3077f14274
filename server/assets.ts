import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";

/** True in a build: every program lies in one folder as JavaScript. */
const isBuilt = import.meta.url.endsWith(".js");

/** The engine child's program. */
export function engineEntry(): string {
  return at(isBuilt ? "./engine.js" : "./engine/child.ts");
}

/** The program that watches over a foreign server. */
export function shimEntry(): string {
  return at(isBuilt ? "./shim.js" : "./lifelines/shim.ts");
}

/** The orchestrator's program. */
export function serverEntry(): string {
  return at(isBuilt ? "./server.js" : "./main.ts");
}

/** A WebAssembly file of the parser: its runtime or a grammar. */
export function wasmPath(file: string): string {
  if (isBuilt) return at(`./wasm/${file}`);
  const owner = file === "web-tree-sitter.wasm" ? "web-tree-sitter" : "@vscode/tree-sitter-wasm/wasm";
  return fileURLToPath(import.meta.resolve(`${owner}/${file}`));
}

/** The tasks that `tandem eval` gives to models. */
export function evalsFolder(): string {
  return at("../evals");
}

/** package.json lies one folder up, in a checkout and in a build alike. */
export const packageVersion = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(at("../package.json"), "utf8"))).version;

function at(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
