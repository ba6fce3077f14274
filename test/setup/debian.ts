import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { promisify } from "node:util";
import { TandemError } from "../../server/errors.ts";

const run = promisify(execFile);
const INSTALL_TIMEOUT_MS = 300_000;
const APT_GET = "/usr/bin/apt-get";

/** Tells whoever started a set-up what it is doing, one line at a time. */
export type Say = (line: string) => void;

/** Whether packages can be installed without asking anybody: the user is root on a Debian-like system. */
export async function canInstallPackages(): Promise<boolean> {
  return process.getuid?.() === 0 && (await isExecutable(APT_GET));
}

/** Installs Debian packages; the package lists are only fetched when the ones that are there do not do. */
export async function installPackages(names: readonly string[], say: Say, signal: AbortSignal): Promise<void> {
  say(`apt-get install ${names.join(" ")}`);
  const install = ["install", "-y", "--no-install-recommends", ...names];
  try {
    await aptGet(install, signal).catch(async () => {
      signal.throwIfAborted();
      await aptGet(["update"], signal);
      await aptGet(install, signal);
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw new TandemError(
      "not-configured",
      `apt-get could not install ${names.join(" ")}`,
      "Install it by hand and start again",
      { cause },
    );
  }
}

async function aptGet(args: readonly string[], signal: AbortSignal): Promise<void> {
  await run(APT_GET, [...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    timeout: INSTALL_TIMEOUT_MS,
    maxBuffer: 16 * 1024 * 1024,
    signal,
  });
}

/** Whether there is a file that may be run. */
export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
