import { join } from "node:path";

/** The version of node-llama-cpp: it takes builds of its own version only. */
export const ENGINE_VERSION = "3.21.1";
/** Where fetched builds of the embedded engine lie, in the folder of engines. */
export const ENGINE_FOLDER = `node-llama-cpp-${ENGINE_VERSION}`;

/** Where fetched engines lie in the cache. */
export function enginesFolder(cacheFolder: string): string {
  return join(cacheFolder, "engines");
}
