import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { missingPrerequisites } from "./setup/prerequisites.ts";
import { type Step, steps, testFilesOf } from "./steps.ts";
import { NONE, type Tally, verdictOn } from "./tally.ts";

const ROOT = join(import.meta.dirname, "..");
/** A step that hangs must not hang whoever waits for it; the longest, the first time, is the build of llama-server. */
const STEP_TIMEOUT_MS = 30 * 60_000;

let current: ChildProcess | null = null;
let stoppedBy: NodeJS.Signals | null = null;

/** `npm test`: everything, cheap steps first, up to the first that fails. */
async function main(): Promise<number> {
  const missing = await missingPrerequisites();
  for (const { what, neededFor, install } of missing) say(`Missing: ${what}, for ${neededFor}.\n  ${install}`);
  if (missing.length > 0) return finish({ ...NONE, failed: missing.length }, []);
  const sum = { passed: 0, failed: 0, notHere: 0 };
  const leftOut: string[] = [];
  for (const step of steps) {
    say(`\n── ${step.title}`);
    const startedMs = performance.now();
    const whyNot = step.kind === "tests" ? step.notOn?.[process.platform] : undefined;
    if (whyNot !== undefined) {
      leftOut.push(`${step.title}: ${whyNot}`);
      say(`── not run: ${whyNot}`);
      continue;
    }
    const { passed, failed, notHere } = await (step.kind === "check" ? check(step) : test(step));
    sum.passed += passed;
    sum.failed += failed;
    sum.notHere += notHere;
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    say(`── ${step.title}: ${failed === 0 ? "passed" : "FAILED"} in ${seconds} s`);
    if (failed > 0 || stoppedBy !== null) break;
  }
  return finish(sum, leftOut);
}

async function check({ commands }: Extract<Step, { kind: "check" }>): Promise<Tally> {
  for (const command of commands) if ((await run(command)).exitCode !== 0) return { ...NONE, failed: 1 };
  return NONE;
}

async function test(step: Extract<Step, { kind: "tests" }>): Promise<Tally> {
  const files = await testFilesOf(step, ROOT);
  if (step.files !== null && files.length === 0) {
    say("There are no test files.");
    return { ...NONE, failed: 1 };
  }
  const { exitCode, output } = await run([...step.command, ...files]);
  return verdictOn(exitCode, output);
}

/** Shows what the program prints as it prints it, and keeps it. */
async function run([program = "", ...args]: readonly string[]): Promise<{ exitCode: number; output: string }> {
  if (stoppedBy !== null) return { exitCode: 1, output: "" };
  const env = { ...process.env, PATH: `${join(ROOT, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}` };
  const command = program === "node" ? process.execPath : program;
  const shell = process.platform === "win32" && program !== "node";
  const child = spawn(command, args, { cwd: ROOT, env, shell, stdio: ["ignore", "pipe", "inherit"] });
  current = child;
  const late = setTimeout(() => {
    say(`${program} was still running after ${STEP_TIMEOUT_MS / 60_000} minutes`);
    child.kill("SIGTERM");
  }, STEP_TIMEOUT_MS);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  const [code] = await once(child, "close");
  clearTimeout(late);
  current = null;
  return { exitCode: typeof code === "number" ? code : 1, output };
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
    if (name !== "SIGINT" || !process.stdin.isTTY) current?.kill(name);
  });
process.exitCode = await main();
