import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { EVAL_LANGUAGES, type EvalTask } from "../../server/core/eval/task.ts";
import { type Grade, grade } from "../../server/eval/grade.ts";
import { createSandbox } from "../../server/eval/sandbox.ts";
import { readEvalTasks } from "../../server/eval/tasks.ts";
import { findToolchain, type Toolchain } from "../../server/eval/toolchains.ts";

const never = new AbortController().signal;
const tasks = await readEvalTasks(fileURLToPath(new URL("../../evals", import.meta.url)));
const sandbox = await createSandbox(never);

test("there are at least 45 tasks, at least twelve in each of three languages, with two wrong solutions each", () => {
  assert.ok(tasks.length >= 45, `${tasks.length} tasks`);
  for (const language of EVAL_LANGUAGES) assert.ok(tasks.filter((it) => it.language === language).length >= 12);
  for (const it of tasks) assert.ok(it.wrong.length >= 2, it.id);
  assert.equal(new Set(tasks.map((it) => it.instruction)).size, tasks.length);
});

for (const language of EVAL_LANGUAGES) {
  const toolchain = await findToolchain(language);
  const skip = "missing" in toolchain ? toolchain.missing : false;
  // Two at a time, as most machines have two cores at least.
  test(`${language}: each reference passes; each wrong solution and the file as it is given fail`, {
    skip,
  }, async () => {
    const waiting = tasks.filter((it) => it.language === language);
    const worker = async () => {
      for (let task = waiting.shift(); task; task = waiting.shift()) await discriminates(task, toolchain as Toolchain);
    };
    await Promise.all([worker(), worker()]);
  });
}

async function discriminates(task: EvalTask, toolchain: Toolchain): Promise<void> {
  const graded = (text: string): Promise<Grade> => grade({ task, text, toolchain, sandbox }, never);
  const good = await graded(task.reference);
  assert.equal(good.kind, "passed", `${task.id}: the reference: ${JSON.stringify(good)}`);
  assert.equal((await graded(task.text)).kind, "failed", `${task.id}: nothing was done`);
  for (const { why, text } of task.wrong) assert.equal((await graded(text)).kind, "failed", `${task.id}: ${why}`);
}
