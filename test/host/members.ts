import { below, type Process, processes } from "../setup/processes.ts";

/**
 * The processes of one VS Code: `leader`, what shares its process group, and what runs from `folder`, as an orchestrator does, which
 * belongs to no window; with all that is under those.
 */
export async function membersOf(leader: number, folder: string, signal: AbortSignal): Promise<Process[]> {
  const all = await processes(signal);
  const first = all.filter((it) => it.pid === leader || it.group === leader || it.command.includes(folder));
  const pids = first.map((it) => it.pid);
  return [...first, ...below(all, pids)];
}

/** The orchestrators among them. */
export function orchestratorsIn(members: readonly Process[]): number[] {
  return members.filter((it) => /dist.server\.js --shared/.test(it.command)).map((it) => it.pid);
}

/** The extension hosts among them: one for each window. */
export function extensionHostsIn(members: readonly Process[]): number[] {
  return members.filter((it) => it.command.includes("--type=extensionHost")).map((it) => it.pid);
}
