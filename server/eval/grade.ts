import { randomUUID } from "node:crypto";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EvalTask } from "../core/eval/task.ts";
import type { Ran, Sandbox } from "./sandbox.ts";
import type { Toolchain } from "./toolchains.ts";

/** Whether the tests of a task passed, and what they said when they did not. */
export type Grade = { readonly kind: "passed" } | { readonly kind: "failed"; readonly why: string };

/** Characters of what failed tests say. */
const MOST_WHY = 600;

export interface Grading {
  readonly task: EvalTask;
  /** The file as it was made. */
  readonly text: string;
  readonly toolchain: Toolchain;
  readonly sandbox: Sandbox;
}

/**
 * Runs a task's tests over a file. Passed is what ends well and has printed, last of all, a word that was made for this run: a file that
 * ends the program early passes nothing. Throws TandemError cancelled.
 */
export async function grade({ task, text, toolchain, sandbox }: Grading, signal: AbortSignal): Promise<Grade> {
  // Where it is a link, what is allowed to be read there is not what it says.
  const folder = await realpath(await mkdtemp(join(tmpdir(), "tandem-eval-")));
  const proof = `passed ${randomUUID()}`;
  try {
    await writeFile(join(folder, task.file), text);
    for (const [name, content] of toolchain.files(task, proof)) await writeFile(join(folder, name), content);
    let ran: Ran = { exitCode: 0, isTimedOut: false, output: "" };
    for (const step of toolchain.steps(task, folder)) {
      ran = await sandbox.run({ ...step, folder }, signal);
      if (ran.exitCode !== 0) return { kind: "failed", why: reason(ran, folder) };
    }
    if (ran.output.trimEnd().endsWith(proof)) return { kind: "passed" };
    return { kind: "failed", why: `it ended before its tests did: ${reason(ran, folder)}` };
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function reason({ exitCode, isTimedOut, output }: Ran, folder: string): string {
  const said = output.replaceAll(folder, "").trim();
  const how = isTimedOut ? "it did not end in time" : exitCode === null ? "it was ended" : `exit code ${exitCode}`;
  return said === "" ? how : `${how}: ${said.length <= MOST_WHY ? said : `${said.slice(0, MOST_WHY)}…`}`;
}
