import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ENGINE_FOLDER, enginesFolder } from "../getting/engineFolder.ts";
import { findTool } from "../gpu/tool.ts";
import { cacheFolder } from "../platform/folders.ts";

/** What models can be run in. */
export interface Programs {
  /** Builds of the embedded engine that are on this disk. Whether a GPU's driver suits one shows when it is loaded. */
  readonly builds: readonly ("processor" | "CUDA" | "Vulkan" | "Metal")[];
  /** Servers of the user's that are in PATH: where each is, or null. */
  readonly servers: Readonly<Record<"llama-server" | "vllm" | "ollama", string | null>>;
  /** The llama-server that settings name; null when they name none. */
  readonly chosenServer: { readonly path: string; readonly isRunnable: boolean } | null;
}

/** `chosen`: path of the llama-server in the settings; "" for none. */
export async function lookAtPrograms(
  env: Readonly<Record<string, string | undefined>>,
  chosen: string,
): Promise<Programs> {
  const [builds, isRunnable, llamaServer, vllm, ollama] = await Promise.all([
    engineBuilds(),
    isProgram(chosen),
    findTool("llama-server", env),
    findTool("vllm", env),
    findTool("ollama", env),
  ]);
  const servers = { "llama-server": llamaServer, vllm, ollama };
  return { builds, servers, chosenServer: chosen === "" ? null : { path: chosen, isRunnable } };
}

async function isProgram(path: string): Promise<boolean> {
  const isThere = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  return isThere && (await stat(path)).isFile();
}

const SYSTEMS: Partial<Record<NodeJS.Platform, string>> = { linux: "linux", darwin: "mac", win32: "win" };

/** Those that came along, and those that were fetched. */
async function engineBuilds(): Promise<Programs["builds"]> {
  const folders = [packagesFolder(), join(enginesFolder(cacheFolder()), ENGINE_FOLDER)];
  const found = await Promise.all(folders.map((it) => (it === null ? [] : buildsIn(it))));
  return [...new Set(found.flat())].toSorted();
}

/** A package that was left out, or stands in for one that was, has no binaries. */
async function buildsIn(packages: string): Promise<Programs["builds"]> {
  const own = `${SYSTEMS[process.platform]}-${process.arch}`;
  const names = (await readdir(packages).catch(() => [])).filter((it) => it === own || it.startsWith(`${own}-`));
  const found = await Promise.all(
    names.map(async (name) => {
      const binaries = await readdir(join(packages, name, "bins")).catch(() => []);
      return binaries.length > 0 ? kindOf(name) : null;
    }),
  );
  return found.filter((it) => it !== null);
}

/** Beside node-llama-cpp, where its package manager puts them; null when it is not installed. */
function packagesFolder(): string | null {
  try {
    const entry = fileURLToPath(import.meta.resolve("node-llama-cpp"));
    const at = entry.lastIndexOf("node-llama-cpp");
    return join(dirname(entry.slice(0, at + 1)), "@node-llama-cpp");
  } catch {
    // It cannot be resolved, so it is not here; the doctor says so.
    return null;
  }
}

function kindOf(name: string): Programs["builds"][number] {
  if (name.includes("-cuda")) return "CUDA";
  if (name.includes("-vulkan")) return "Vulkan";
  return name.includes("-metal") ? "Metal" : "processor";
}
