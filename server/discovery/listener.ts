import { readFile } from "node:fs/promises";

/** The first number of people on Linux; below are the system's own services, as Ollama's often is. */
const FIRST_PERSON = 1_000;
const NOBODY = 65_534;
const LISTENS = "0A";

/**
 * Whether what listens at a port of this machine belongs to another person. On Linux the kernel tells; elsewhere it is not known, and
 * taken for ours.
 */
export async function isSomebodyElses(port: number): Promise<boolean> {
  const own = process.geteuid?.();
  if (process.platform !== "linux" || own === undefined) return false;
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((it) => readFile(it, "utf8").catch(() => "")),
  );
  return tables
    .flatMap((it) => listeners(it, port))
    .some((uid) => uid !== own && uid >= FIRST_PERSON && uid !== NOBODY);
}

/** The users who listen at a port, of the kernel's table of sockets: "sl local_address rem_address st … uid …". */
export function listeners(table: string, port: number): number[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table.split("\n").flatMap((line) => {
    const [, local, , state, , , , uid] = line.trim().split(/\s+/);
    return local?.endsWith(suffix) && state === LISTENS ? [Number(uid)] : [];
  });
}
