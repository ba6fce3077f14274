import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** A program with its first arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** Where WSL keeps the driver's tools, which is in few people's PATH. */
const WSL = "/usr/lib/wsl/lib";

/** The program's whole path, by PATH; null when there is none that may be run. */
export async function findTool(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const isWindows = process.platform === "win32";
  const folders = (env.PATH ?? env.Path ?? "").split(delimiter).filter((it) => it !== "");
  for (const folder of isWindows ? folders : [...folders, WSL]) {
    const path = join(folder, isWindows ? `${name}.exe` : name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return null;
}
