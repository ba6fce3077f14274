import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Tree } from "./tree.ts";

const Names = z.record(z.string(), z.string()).default({});
const Lock = z.object({
  packages: z.record(z.string(), z.object({ dependencies: Names, optionalDependencies: Names })),
});

/**
 * What a package asks for and the lock does not have. npm leaves out optional packages that its registry does not carry,
 * and afterwards refuses to install from the very lock it wrote.
 */
export async function lock({ root }: Tree): Promise<string[]> {
  const { packages } = Lock.parse(JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")));
  return Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !places(path).some((folder) => `${folder}node_modules/${name}` in packages))
      .map((name) => `package-lock.json: ${path} asks for ${name}, which is not there`),
  );
}

/** Where Node looks for what a package asks for, as prefixes of `node_modules/…`: its own folder first. */
function places(path: string): string[] {
  const found = [""];
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) found.push(`${at}/`);
  return found;
}
