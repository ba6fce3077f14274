import type { Backend } from "../../protocol/routing.ts";
import type { EngineConfig } from "../assign.ts";

/** The program that runs what is opened from this source. */
export function backendOf(source: EngineConfig["source"]): Backend {
  if (source.kind !== "embedded") return source.kind;
  return source.llamaServer === "" ? "embedded" : "llama-server";
}

/** Host and port of a server that is there already; null: it is a process of ours, or the address is none. */
export function addressOf(source: EngineConfig["source"]): string | null {
  return source.kind === "endpoint" && URL.canParse(source.url) ? new URL(source.url).host : null;
}
