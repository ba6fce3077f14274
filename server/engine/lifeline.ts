import { Worker } from "node:worker_threads";

const WATCH_MS = 500;

/**
 * Ends this process at once when its parent has gone, however that died. Nothing is tidied up on the way: the operating system
 * takes back memory and GPU, and a graceful end would wait for the evaluation in progress.
 *
 * Two ropes. The IPC channel closes with the parent and is noticed immediately, but only by an event loop that turns; llama.cpp
 * starts a GPU and reads long prompts on that very thread. So a thread of its own looks for the parent as well.
 */
export function holdLifeline(parentPid: number): void {
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  // The channel can have closed before anybody listened.
  if (!process.connected) process.kill(process.pid, "SIGKILL");
  new Worker(watcher(parentPid), { eval: true }).unref();
}

/** On POSIX an orphan gets another parent; on Windows it keeps the number of one that no longer runs. */
function watcher(parentPid: number): string {
  return `
    const isRunning = () => {
      try { process.kill(${parentPid}, 0); return true; } catch (error) { return error.code === "EPERM"; }
    };
    setInterval(() => {
      if (process.ppid !== ${parentPid} || !isRunning()) process.kill(process.pid, "SIGKILL");
    }, ${WATCH_MS});`;
}
