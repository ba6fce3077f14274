import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EvalLanguage, EvalTask } from "../core/eval/task.ts";
import { findProgram } from "../platform/findProgram.ts";
import type { Confined } from "./sandbox.ts";

/** One program of a task's grading; the last one runs the tests. */
export type Step = Pick<Confined, "program" | "args" | "timeoutMs" | "memoryBytes">;

/** What runs one language here. */
export interface Toolchain {
  /** "Python 3.11.7" */
  readonly label: string;
  /** Files besides the solution, by name. `proof` is printed at the end of tests that have passed, and known to nobody before. */
  files(task: EvalTask, proof: string): ReadonlyMap<string, string>;
  steps(task: EvalTask, folder: string): readonly Step[];
}

/** Why a language cannot be graded here, with what would help. */
export interface NoToolchain {
  readonly missing: string;
}

const run = promisify(execFile);
const PROBE_MS = 10_000;
/** Tests take a second or two at most on a slow machine; what takes longer hangs. */
const TEST_MS = 20_000;
const COMPILE_MS = 60_000;
const MEMORY_BYTES = 2 * 1024 ** 3;
const NODE_HEAP_MB = 512;

/** What runs this language on this machine. Looked for with the user's variables, since version managers need them. */
export async function findToolchain(language: EvalLanguage): Promise<Toolchain | NoToolchain> {
  switch (language) {
    case "typescript":
      return nodeItself();
    case "python":
      return python();
    case "rust":
      return rust();
  }
}

/** Node strips types itself from 22.6 on, without being told from 22.18 and 23.6 on. */
function nodeItself(): Toolchain | NoToolchain {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isTold = major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
  if (!isTold && !(major === 23 || (major === 22 && minor >= 6)))
    return { missing: `Node ${process.versions.node} cannot run TypeScript; Node 22.18 or later can` };
  const flags = [...(isTold ? [] : ["--experimental-strip-types"]), "--no-warnings"];
  // It may then neither read elsewhere nor start programs, which the other languages' tests could.
  const canConfine = process.allowedNodeEnvironmentFlags.has("--permission");
  return {
    label: `Node ${process.versions.node}`,
    files: (task, proof) =>
      new Map([
        ["package.json", '{"type":"module"}\n'],
        ["tests.ts", `${task.tests}\nconsole.log(${JSON.stringify(proof)});\n`],
      ]),
    steps: (_, folder) => {
      const confining = canConfine ? ["--permission", `--allow-fs-read=${folder}`, `--allow-fs-write=${folder}`] : [];
      const args = [...flags, ...confining, `--max-old-space-size=${NODE_HEAP_MB}`, join(folder, "tests.ts")];
      return [{ program: process.execPath, args, timeoutMs: TEST_MS, memoryBytes: null }];
    },
  };
}

const LEAST_PYTHON = [3, 10] as const;

async function python(): Promise<Toolchain | NoToolchain> {
  const script = "import sys; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))";
  for (const name of process.platform === "win32" ? ["python", "python3"] : ["python3", "python"]) {
    const [program = "", version = ""] = (await said(name, ["-c", script])).split(/\r?\n/);
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (program === "" || major !== LEAST_PYTHON[0] || minor < LEAST_PYTHON[1]) continue;
    return {
      label: `Python ${version}`,
      files: (task, proof) => new Map([["tests.py", `${task.tests}\nprint(${JSON.stringify(proof)})\n`]]),
      // No packages of the user's: they differ from machine to machine.
      steps: () => [{ program, args: ["-s", "-B", "tests.py"], timeoutMs: TEST_MS, memoryBytes: MEMORY_BYTES }],
    };
  }
  return { missing: `there is no Python ${LEAST_PYTHON.join(".")} or later in PATH` };
}

async function rust(): Promise<Toolchain | NoToolchain> {
  const missing = { missing: "there is no rustc in PATH (https://rustup.rs)" };
  const version = /^rustc (\S+)/.exec(await said("rustc", ["--version"]))?.[1];
  // rustup's own program would look for its settings in a home that is not there for it.
  const sysroot = (await said("rustc", ["--print", "sysroot"])).trim();
  const program = sysroot === "" ? null : await findProgram("rustc", { env: { PATH: join(sysroot, "bin") } });
  if (!version || !program) return missing;
  const built = process.platform === "win32" ? "tests.exe" : "tests";
  const flags = ["--edition", "2021", "--cap-lints", "allow", "-C", "debuginfo=0", "-o", built, "tests.rs"];
  return {
    label: `Rust ${version}`,
    files: (task, proof) => {
      const main = `fn main() {\n    tests();\n    println!("{}", ${JSON.stringify(proof)});\n}\n`;
      const module = `#[path = ${JSON.stringify(task.file)}]\nmod solution;\nuse solution::*;\n`;
      return new Map([["tests.rs", `${module}\n${task.tests}\n${main}`]]);
    },
    steps: (_, folder) => [
      { program, args: flags, timeoutMs: COMPILE_MS, memoryBytes: 2 * MEMORY_BYTES },
      { program: join(folder, built), args: [], timeoutMs: TEST_MS, memoryBytes: MEMORY_BYTES },
    ],
  };
}

/** What a program of the user's says; "" when it is not there or says nothing. */
async function said(name: string, args: readonly string[]): Promise<string> {
  const program = await findProgram(name, { env: process.env });
  if (program === null) return "";
  return run(program, [...args], { timeout: PROBE_MS, windowsHide: true }).then(
    ({ stdout }) => stdout,
    () => "",
  );
}
