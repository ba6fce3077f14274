import { createDiscovery } from "../discovery/discovery.ts";
import type { Log } from "../ports.ts";
import type { Config } from "../protocol/config.ts";
import type { FoundServer } from "../protocol/registry.ts";

/** More models of one server are not named. */
const MOST_NAMED = 5;

const quiet: Log = { error() {}, warn() {}, info() {}, debug() {} };

/** Servers that run now, on this machine's usual ports and on the listed hosts; asked by this process itself, without any key. */
export function runningServers(config: Config, signal: AbortSignal): Promise<readonly FoundServer[]> {
  const clock = { nowMs: () => performance.now() };
  return createDiscovery({ config: () => config, clock, log: quiet }).look(signal);
}

/** A server that was found, and what it has. */
export function runningText({ kind, url, version, needsKey, isForeign, models }: FoundServer): string {
  const names = models.slice(0, MOST_NAMED).map((it) => `${it.name}${it.isLoaded === false ? " (not loaded)" : ""}`);
  const more = models.length > MOST_NAMED ? ` and ${models.length - MOST_NAMED} more` : "";
  const has = needsKey ? "asks for a key" : names.length === 0 ? "has no model" : `${names.join(", ")}${more}`;
  const whose = isForeign ? ", another user's: it is used only if you name its address" : "";
  return `running: ${kind}${version ? ` ${version}` : ""} at ${url}: ${has}${whose}`;
}
