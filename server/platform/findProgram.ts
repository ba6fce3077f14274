import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

/** A program by its whole path, or by its name in PATH or in one of `besides`; null: there is none that may be run. Windows' endings count. */
export async function findProgram(
  name: string,
  {
    env,
    besides = [],
  }: { readonly env: Readonly<Record<string, string | undefined>>; readonly besides?: readonly string[] },
): Promise<string | null> {
  if (isAbsolute(name)) return (await isProgram(name)) ? name : null;
  // What stands beside the working folder is not what a name means.
  if (name === "" || /[\\/]/.test(name)) return null;
  const path = Object.entries(env).find(([it]) => it.toLowerCase() === "path")?.[1] ?? "";
  const folders = [...path.split(delimiter), ...besides].filter(isAbsolute);
  const endings = process.platform === "win32" ? ["", ".exe"] : [""];
  for (const folder of folders)
    for (const ending of endings) {
      const candidate = join(folder, `${name}${ending}`);
      if (await isProgram(candidate)) return candidate;
    }
  return null;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Not there, or not for us: both are no.
    return false;
  }
}
