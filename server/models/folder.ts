import { homedir } from "node:os";
import { posix, win32 } from "node:path";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
}

/** Where Tandem keeps what can be fetched again: `TANDEM_CACHE`, else the platform's cache folder. Models lie in `models` below it. */
export function cacheFolder(
  { env, platform, home }: Surroundings = { env: process.env, platform: process.platform, home: homedir() },
): string {
  const path = platform === "win32" ? win32 : posix;
  if (env.TANDEM_CACHE) return path.resolve(env.TANDEM_CACHE);
  if (platform === "win32") return path.join(env.LOCALAPPDATA || path.join(home, "AppData", "Local"), "tandem");
  // The XDG specification says that a relative path in the variable is to be ignored.
  if (env.XDG_CACHE_HOME && path.isAbsolute(env.XDG_CACHE_HOME)) return path.join(env.XDG_CACHE_HOME, "tandem");
  if (platform === "darwin") return path.join(home, "Library", "Caches", "tandem");
  return path.join(home, ".cache", "tandem");
}
