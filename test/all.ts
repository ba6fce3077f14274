import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createOutput, type Output } from "./output.ts";
import { missingPrerequisites } from "./setup/prerequisites.ts";
import { groupsOf, type Step, steps, testFilesOf } from "./steps.ts";
import { NONE, type Tally, verdictOn } from "./tally.ts";

const ROOT = join(import.meta.dirname, "..");
/** A step that hangs must not hang whoever waits for it; the longest, the first time, is the build of llama-server. */
const STEP_TIMEOUT_MS = 30 * 60_000;
/** A runner that was told to end says which files were under way; one that does not end is ended. */
const LAST_WORDS_MS = 10_000;
/** Beside what is always shown, the files that took the longest. */
const SLOWEST = ["spec", "./test/slowest.ts"].flatMap((it) => [
  `--test-reporter=${it}`,
  "--test-reporter-destination=stdout",
]);

const current = new Set<ChildProcess>();
let stoppedBy: NodeJS.Signals | null = null;

/** What every step is run with. */
interface Run {
  readonly env: NodeJS.ProcessEnv;
  /** Whether each step is to name its slowest files. */
  readonly isSlowTold: boolean;
  readonly leftOut: string[];
}

/** `npm test`: everything, cheap steps first, up to the first that fails. `--slow`: with the slowest files of each step. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { slow: { type: "boolean", default: false } } });
  const missing = await missingPrerequisites();
  for (const { what, neededFor, install } of missing) say(`Missing: ${what}, for ${neededFor}.\n  ${install}`);
  if (missing.length > 0) return finish({ ...NONE, failed: missing.length }, []);
  // Some thousand processes read the same sources: each is compiled once, by whoever comes first.
  const compiled = await mkdtemp(join(tmpdir(), "tandem-compiled-"));
  try {
    return await runAll({ env: environment(compiled), isSlowTold: values.slow, leftOut: [] });
  } finally {
    await rm(compiled, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function environment(compiled: string): NodeJS.ProcessEnv {
  const path = `${join(ROOT, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`;
  return { NODE_COMPILE_CACHE: compiled, ...process.env, PATH: path };
}

async function runAll(run: Run): Promise<number> {
  const sum = { passed: 0, failed: 0, notHere: 0 };
  for (const group of groupsOf(steps)) {
    const outputs = group.map(() => createOutput(process.stdout));
    // What runs beside another is shown after it.
    const tallies = group.map((step, nth) => perform(step, outputs[nth] as Output, run));
    for (const [nth, output] of outputs.entries()) {
      output.show();
      const { passed, failed, notHere } = await (tallies[nth] as Promise<Tally>);
      sum.passed += passed;
      sum.failed += failed;
      sum.notHere += notHere;
    }
    if (sum.failed > 0 || stoppedBy !== null) break;
  }
  return finish(sum, run.leftOut);
}

async function perform(step: Step, output: Output, run: Run): Promise<Tally> {
  output.say(`\n── ${step.title}`);
  const startedMs = performance.now();
  const whyNot = step.kind === "tests" ? step.notOn?.[process.platform] : undefined;
  if (whyNot !== undefined) {
    run.leftOut.push(`${step.title}: ${whyNot}`);
    output.say(`── not run: ${whyNot}`);
    return NONE;
  }
  const tally = await (step.kind === "check" ? check(step, output, run) : test(step, output, run));
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  output.say(`── ${step.title}: ${tally.failed === 0 ? "passed" : "FAILED"} in ${seconds} s`);
  return tally;
}

async function check({ commands }: Extract<Step, { kind: "check" }>, output: Output, { env }: Run): Promise<Tally> {
  for (const command of commands)
    if ((await start(command, { output, env })).exitCode !== 0) return { ...NONE, failed: 1 };
  return NONE;
}

async function test(step: Extract<Step, { kind: "tests" }>, output: Output, run: Run): Promise<Tally> {
  const files = await testFilesOf(step, ROOT);
  if (step.files !== null && files.length === 0) {
    output.say("There are no test files.");
    return { ...NONE, failed: 1 };
  }
  const slowest = run.isSlowTold && step.files !== null ? SLOWEST : [];
  const { exitCode, text } = await start([...step.command, ...slowest, ...files], {
    ...{ output, env: run.env, mostSilentMs: step.mostSilentMs },
  });
  return verdictOn(exitCode, text);
}

interface Watched {
  readonly output: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly mostSilentMs?: number | undefined;
}

/** Shows what the program prints as it prints it, and keeps it. */
async function start(
  [program = "", ...args]: readonly string[],
  { output, env, mostSilentMs = STEP_TIMEOUT_MS }: Watched,
): Promise<{ exitCode: number; text: string }> {
  if (stoppedBy !== null) return { exitCode: 1, text: "" };
  const command = program === "node" ? process.execPath : program;
  const shell = process.platform === "win32" && program !== "node";
  const child = spawn(command, args, { cwd: ROOT, env, shell, stdio: ["ignore", "pipe", "pipe"] });
  current.add(child);
  const end = (why: string) => {
    output.say(`${program} ${why}`);
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), LAST_WORDS_MS).unref();
  };
  const late = setTimeout(() => end(`was still running after ${STEP_TIMEOUT_MS / 60_000} minutes`), STEP_TIMEOUT_MS);
  const silent = setTimeout(() => end(`has said nothing for ${mostSilentMs / 60_000} minutes`), mostSilentMs);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
    silent.refresh();
    output.write(piece);
  });
  child.stderr.setEncoding("utf8").on("data", (piece: string) => output.write(piece));
  const exitCode = await ended(child);
  for (const it of [late, silent]) clearTimeout(it);
  current.delete(child);
  return { exitCode, text };
}

/** Waits for the last that it prints too, but not for ever: what it started may hold its output open and live on. */
async function ended(child: ChildProcess): Promise<number> {
  const closed = once(child, "close");
  const [code] = await once(child, "exit");
  await Promise.race([closed, wait(LAST_WORDS_MS, undefined, { ref: false })]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return typeof code === "number" ? code : 1;
}

function finish({ passed, failed, notHere }: Tally, leftOut: readonly string[]): number {
  if (stoppedBy !== null) say(`\nStopped by ${stoppedBy}`);
  for (const it of leftOut) say(`\nNot run on this system: ${it}`);
  if (notHere > 0) say(`\nNot possible on this machine, each with its reason above: ${notHere}`);
  say(`\n${passed} passed, ${failed} failed`);
  if (stoppedBy !== null) return 128 + constants.signals[stoppedBy];
  return failed === 0 && passed > 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

// The runner under way ends in its own way and is waited for. A terminal tells it of Ctrl-C itself.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(name, () => {
    stoppedBy = name;
    if (name !== "SIGINT" || !process.stdin.isTTY) for (const child of current) child.kill(name);
  });
process.exitCode = await main();
