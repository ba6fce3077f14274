import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What the library asks for when it looks for a build of llama.cpp; the second is the part of CUDA's that another needs. */
const BUILD = /^@node-llama-cpp\/([a-z0-9-]+)$/;

/**
 * Lets the library find builds that were fetched later: each lies in a folder of its package's name, as the package was published. A
 * build of another version than the library's it does not take. What is not there is looked for where it always is.
 */
export function useFetchedBuilds(folder: string): void {
  registerHooks({
    resolve(specifier, context, next) {
      const name = BUILD.exec(specifier)?.[1];
      const entry = name === undefined ? null : join(folder, name, "dist", "index.js");
      if (entry === null || !existsSync(entry)) return next(specifier, context);
      return { url: pathToFileURL(entry).href, format: "module", shortCircuit: true };
    },
  });
}
