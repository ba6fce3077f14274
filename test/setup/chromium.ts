import { delimiter, join } from "node:path";
import { TandemError } from "../../server/errors.ts";
import { canInstallPackages, installPackages, isExecutable, type Say } from "./debian.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge"];
const MAC_APPS = ["Google Chrome", "Chromium", "Microsoft Edge"];
const WINDOWS_PROGRAMS = ["Google\\Chrome\\Application\\chrome.exe", "Microsoft\\Edge\\Application\\msedge.exe"];
const NEXT_STEP =
  "Install Chromium, Chrome or Edge (Debian: apt-get install chromium), or set TANDEM_TEST_CHROMIUM to the program";

/** The browser the VS Code tests drive, where this machine has one. `TANDEM_TEST_CHROMIUM` wins over what is found. */
export async function findChromium(): Promise<string | null> {
  const chosen = process.env.TANDEM_TEST_CHROMIUM;
  if (chosen) {
    if (await isExecutable(chosen)) return chosen;
    throw new TandemError("not-configured", `TANDEM_TEST_CHROMIUM is not a program: ${chosen}`, NEXT_STEP);
  }
  for (const path of candidates()) if (await isExecutable(path)) return path;
  return null;
}

/** As `findChromium`, but installs one where there is none and nobody needs to be asked. Throws TandemError not-configured. */
export async function ensureChromium(say: Say, signal: AbortSignal): Promise<string> {
  const found = await findChromium();
  if (found) return found;
  if (await canInstallPackages()) await installPackages(["chromium"], say, signal);
  const installed = await findChromium();
  if (installed) return installed;
  throw new TandemError("not-configured", "No browser to test VS Code with", NEXT_STEP);
}

function candidates(): string[] {
  if (process.platform === "win32") {
    const roots = [process.env.ProgramFiles, process.env["ProgramFiles(x86)"], process.env.LOCALAPPDATA];
    return roots.flatMap((root) => (root ? WINDOWS_PROGRAMS.map((program) => join(root, program)) : []));
  }
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const onPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  if (process.platform !== "darwin") return onPath;
  return [...onPath, ...MAC_APPS.map((app) => `/Applications/${app}.app/Contents/MacOS/${app}`)];
}
