import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { EVAL_LANGUAGES, type EvalTask } from "../../server/core/eval/task.ts";
import { grade } from "../../server/eval/grade.ts";
import { createSandbox } from "../../server/eval/sandbox.ts";
import { readEvalTasks } from "../../server/eval/tasks.ts";
import { findToolchain, type Toolchain } from "../../server/eval/toolchains.ts";
import { buildTogether, type Solution } from "./rustTogether.ts";

const never = new AbortController().signal;
const tasks = await readEvalTasks(fileURLToPath(new URL("../../evals", import.meta.url)));
const sandbox = await createSandbox(never);
/** Some tests wait for what must not happen: others compute meanwhile. */
const AT_ONCE = 4;

test("there are at least 45 tasks, at least twelve in each of three languages, with two wrong solutions each", () => {
  assert.ok(tasks.length >= 45, `${tasks.length} tasks`);
  for (const language of EVAL_LANGUAGES) assert.ok(tasks.filter((it) => it.language === language).length >= 12);
  for (const it of tasks) assert.ok(it.wrong.length >= 2, it.id);
  assert.equal(new Set(tasks.map((it) => it.instruction)).size, tasks.length);
});

for (const language of EVAL_LANGUAGES) {
  const toolchain = await findToolchain(language);
  const skip = "missing" in toolchain ? toolchain.missing : false;
  const mine = tasks.filter((it) => it.language === language);
  test(`${language}: each reference passes; each wrong solution and the file as it is given fail`, {
    skip,
  }, async () => {
    if ("missing" in toolchain) return;
    const all = mine.flatMap(solutionsOf);
    if (language !== "rust") return await discriminates(all, () => toolchain);
    const { folder, toolchainOf } = await buildTogether(all, toolchain, sandbox);
    try {
      await discriminates(all, toolchainOf);
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  });
}

/** One in Rust is built and graded as `tandem eval` does it too; the other languages' all are. */
test("rust: a task's solutions built one by one are graded the same", async (t) => {
  const toolchain = await findToolchain("rust");
  if ("missing" in toolchain) return t.skip(toolchain.missing);
  const [first] = tasks.filter((it) => it.language === "rust");
  assert.ok(first);
  await discriminates(solutionsOf(first), () => toolchain);
});

interface Judged extends Solution {
  readonly what: string;
  readonly want: "passed" | "failed";
}

function solutionsOf(task: EvalTask): Judged[] {
  return [
    { task, what: "the reference", text: task.reference, want: "passed" },
    { task, what: "nothing was done", text: task.text, want: "failed" },
    ...task.wrong.map(({ why, text }) => ({ task, what: why, text, want: "failed" as const })),
  ];
}

async function discriminates(all: readonly Judged[], toolchainOf: (it: Solution) => Toolchain): Promise<void> {
  const waiting = [...all];
  const worker = async () => {
    for (let it = waiting.shift(); it; it = waiting.shift()) {
      const { task, text, what, want } = it;
      const got = await grade({ task, text, toolchain: toolchainOf(it), sandbox }, never);
      assert.equal(got.kind, want, `${task.id}: ${what}: ${JSON.stringify(got)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
