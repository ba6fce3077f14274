import { endProcess, startMark } from "../platform/processes.ts";

/**
 * Ends a program and whatever it started in its group: `endProcess` for the leader, then the rest is killed. On Windows only
 * the program itself is ended.
 */
export async function endGroup(
  pid: number,
  mark: string,
  given: { readonly graceMs: number },
  signal: AbortSignal,
): Promise<"ended" | "stranger"> {
  if ((await startMark(pid)) !== mark) return "stranger";
  await endProcess(pid, mark, given, signal);
  killGroup(pid);
  return "ended";
}

/**
 * Kills what is left of the group that this process leads or led. On Windows, which has no groups, nothing happens.
 * A number stays taken while its group has members, so this cannot reach a stranger; where nobody is left it reaches nobody.
 */
export function killGroup(leaderPid: number): void {
  if (process.platform === "win32") return;
  try {
    process.kill(-leaderPid, "SIGKILL");
  } catch {
    // Nobody is left.
  }
}
