import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { startMark } from "../../server/platform/processes.ts";

/** Foreign programs for tests, as arguments of Node. */
export const programs = {
  /** Leaves when it is asked to. */
  willing: ["-e", `console.log("up"); setInterval(() => {}, 1000)`],
  /** Leaves only when it is killed. */
  stubborn: ["-e", `process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)`],
  /** Ends by itself. */
  brief: ["-e", `console.error("some last words"); process.exitCode = 7`],
} as const;

const POLL_MS = 20;
const LIMIT_MS = 20_000;

/** The first line a process writes. Rejects when it ends without one, so that a test of it ends as well. */
export async function firstLine(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  const left = new AbortController();
  const { signal } = left;
  try {
    const [line] = await Promise.race([
      once(createInterface(child.stdout), "line", { signal }),
      once(child, "exit", { signal }).then(([code]) =>
        Promise.reject(new Error(`it ended with ${code} and said nothing`)),
      ),
    ]);
    return String(line);
  } finally {
    left.abort();
  }
}

/** Resolves when there is no such process any more: nothing tells of the end of one that is not our own child. */
export async function gone(pids: readonly number[]): Promise<void> {
  await until(`processes ${pids.join(", ")} are gone`, async () => (await running(pids)).length === 0);
}

export async function running(pids: readonly number[]): Promise<number[]> {
  const marks = await Promise.all(pids.map(startMark));
  return pids.filter((_, index) => marks[index] !== null);
}

/** Asks again and again about something outside this process. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  while (!(await isSo())) {
    if (limit.aborted) throw new Error(`not in ${LIMIT_MS} ms: ${what}`);
    await wait(POLL_MS);
  }
}
