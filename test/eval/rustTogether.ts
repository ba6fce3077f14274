import { mkdir, mkdtemp, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EvalTask } from "../../server/core/eval/task.ts";
import type { Sandbox } from "../../server/eval/sandbox.ts";
import type { Toolchain } from "../../server/eval/toolchains.ts";

/** A solution of a task, right or wrong. */
export interface Solution {
  readonly task: EvalTask;
  readonly text: string;
}

/** What grades each solution: the program that all were built into, or the toolchain itself for one that does not compile. */
export interface Together {
  readonly folder: string;
  toolchainOf(solution: Solution): Toolchain;
}

/** What does not compile is named by the compiler's phases, one after the other: names, types, borrows. */
const MOST_BUILDS = 4;
const never = new AbortController().signal;

/** Solutions in Rust with their tests, each a module of one program: the compiler and its linker start once, not once for each. */
export async function buildTogether(all: readonly Solution[], rust: Toolchain, sandbox: Sandbox): Promise<Together> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "tandem-rust-")));
  for (const [at, { task, text }] of all.entries()) {
    await mkdir(join(folder, `s${at}`));
    await writeFile(join(folder, `s${at}`, task.file), text);
    const tests = rust.files(task, "").get("tests.rs") ?? "";
    await writeFile(join(folder, `s${at}`, "tests.rs"), `${tests}\npub fn graded() {\n    tests();\n}\n`);
  }
  let built = [...all.keys()];
  for (let build = 1; build <= MOST_BUILDS; build++) {
    await writeFile(join(folder, "tests.rs"), programOf(built));
    const [compile] = rust.steps((all[0] as Solution).task, folder);
    if (!compile) throw new Error("nothing compiles Rust");
    const ran = await sandbox.run({ ...compile, folder }, never);
    if (ran.exitCode === 0) return { folder, toolchainOf: (it) => toolchainOf(all.indexOf(it)) };
    const wrong = new Set(Array.from(ran.output.matchAll(/--> s(\d+)\//g), ([, at]) => Number(at)));
    if (wrong.size === 0) throw new Error(ran.output);
    built = built.filter((at) => !wrong.has(at));
  }
  throw new Error(`after ${MOST_BUILDS} builds there were still solutions that do not compile`);

  function toolchainOf(at: number): Toolchain {
    if (!built.includes(at)) return rust;
    let proof = "";
    return {
      label: rust.label,
      files: (_, given) => {
        proof = given;
        return new Map();
      },
      steps: (task) =>
        rust
          .steps(task, folder)
          .slice(1)
          .map((it) => ({ ...it, args: [String(at), proof] })),
    };
  }
}

/** Runs the tests of the solution that its first argument names, and prints the second when they have passed. */
function programOf(built: readonly number[]): string {
  const modules = built.map((at) => `#[path = "s${at}/tests.rs"]\nmod s${at};\n`);
  const arms = built.map((at) => `        "${at}" => s${at}::graded(),\n`);
  return `${modules.join("")}
fn main() {
    let given: Vec<String> = std::env::args().collect();
    match given[1].as_str() {
${arms.join("")}        _ => panic!("there is no such solution"),
    }
    println!("{}", given[2]);
}
`;
}
