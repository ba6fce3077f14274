import { readFile, readlink } from "node:fs/promises";

/** The number that Linux gives the namespace of process numbers it starts with (PROC_PID_INIT_INO in its sources). */
const FIRST_NAMESPACE = "pid:[4026531836]";

/**
 * Whether processes on the GPUs may be hidden from us: in a container drivers do not list the processes of others, or any, and WSL's
 * driver lists none. There, no process in the list does not mean that none runs.
 */
export async function hidesProcesses(platform: NodeJS.Platform = process.platform): Promise<boolean> {
  if (platform !== "linux") return false;
  const [namespace, release] = await Promise.all([
    readlink("/proc/self/ns/pid").catch(() => FIRST_NAMESPACE),
    readFile("/proc/sys/kernel/osrelease", "utf8").catch(() => ""),
  ]);
  return namespace !== FIRST_NAMESPACE || /microsoft/i.test(release);
}
