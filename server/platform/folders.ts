import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { posix, win32 } from "node:path";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** The system's folder for what is temporary. */
  readonly temporary: string;
  /** Number of the user; -1 on Windows, which has none. */
  readonly uid: number;
}

/** This process's own. */
export function surroundings(): Surroundings {
  // Not `userInfo()`: in a container the user often has a number and no name, and that throws then.
  const uid = process.geteuid?.() ?? -1;
  const env = { XDG_RUNTIME_DIR: systemdFolder(uid), ...process.env };
  return { env, platform: process.platform, home: homedir(), temporary: tmpdir(), uid };
}

/** What systemd makes for everyone who is logged in, and tells login shells only: a cron job must find the same orchestrator. */
function systemdFolder(uid: number): string | undefined {
  const path = `/run/user/${uid}`;
  return process.platform === "linux" && existsSync(path) ? path : undefined;
}

/** Where Tandem keeps what can be fetched again: `TANDEM_CACHE`, else the platform's cache folder. Models lie in `models` below it. */
export function cacheFolder({ env, platform, home }: Surroundings = surroundings()): string {
  const path = pathOf(platform);
  if (env.TANDEM_CACHE) return path.resolve(env.TANDEM_CACHE);
  if (platform === "win32") return path.join(localAppData(env, home), "tandem");
  if (isAbsoluteIn(path, env.XDG_CACHE_HOME)) return path.join(env.XDG_CACHE_HOME, "tandem");
  if (platform === "darwin") return path.join(home, "Library", "Caches", "tandem");
  return path.join(home, ".cache", "tandem");
}

/** Where Tandem keeps what must survive: the HTTP key, the journal, its log. `TANDEM_STATE`, else the platform's folder for state. */
export function stateFolder({ env, platform, home }: Surroundings = surroundings()): string {
  const path = pathOf(platform);
  if (env.TANDEM_STATE) return path.resolve(env.TANDEM_STATE);
  if (platform === "win32") return path.join(localAppData(env, home), "tandem", "state");
  if (isAbsoluteIn(path, env.XDG_STATE_HOME)) return path.join(env.XDG_STATE_HOME, "tandem");
  if (platform === "darwin") return path.join(home, "Library", "Application Support", "tandem");
  return path.join(home, ".local", "state", "tandem");
}

/** The configuration file, which need not be there: `TANDEM_CONFIG`, else `tandem.jsonc` in the platform's folder for such files. */
export function configFile({ env, platform, home }: Surroundings = surroundings()): string {
  const path = pathOf(platform);
  if (env.TANDEM_CONFIG) return path.resolve(env.TANDEM_CONFIG);
  const file = path.join("tandem", "tandem.jsonc");
  if (platform === "win32") return path.join(env.APPDATA || path.join(home, "AppData", "Roaming"), file);
  if (isAbsoluteIn(path, env.XDG_CONFIG_HOME)) return path.join(env.XDG_CONFIG_HOME, file);
  if (platform === "darwin") return path.join(home, "Library", "Application Support", file);
  return path.join(home, ".config", file);
}

/**
 * Where a running orchestrator is found: a folder that goes with the session, its path short because a socket's is limited
 * (macOS: 104 bytes). `TANDEM_RUNTIME`, else `XDG_RUNTIME_DIR`, else the temporary folder with the user's number.
 */
export function runtimeFolder({ env, platform, home, temporary, uid }: Surroundings = surroundings()): string {
  const path = pathOf(platform);
  if (env.TANDEM_RUNTIME) return path.resolve(env.TANDEM_RUNTIME);
  if (platform === "win32") return path.join(localAppData(env, home), "tandem", "run");
  if (isAbsoluteIn(path, env.XDG_RUNTIME_DIR)) return path.join(env.XDG_RUNTIME_DIR, "tandem");
  return path.join(temporary, `tandem-${uid}`);
}

/**
 * Which orchestrator a process belongs to, in 12 hex digits: one for each pair of state folder and cache folder, so that
 * who keeps models elsewhere has an orchestrator that looks there.
 */
export function instanceId(around: Surroundings = surroundings()): string {
  const key = JSON.stringify([stateFolder(around), cacheFolder(around)]);
  return createHash("sha256").update(key).digest("hex").slice(0, 12);
}

function pathOf(platform: NodeJS.Platform): typeof posix {
  return platform === "win32" ? win32 : posix;
}

function localAppData(env: Surroundings["env"], home: string): string {
  return env.LOCALAPPDATA || win32.join(home, "AppData", "Local");
}

/** The XDG specification says that a relative path in one of its variables is to be ignored. */
function isAbsoluteIn(path: typeof posix, value: string | undefined): value is string {
  return value !== undefined && path.isAbsolute(value);
}
