import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type EvalTask, readEvalTask } from "../core/eval/task.ts";
import { TandemError } from "../errors.ts";

/** More than anybody runs through a model. */
const MOST_TASKS = 2_000;
const MOST_BYTES = 256 * 1024;

/** All tasks of a folder with one folder below it per language, in the order of their names. Throws TandemError bad-input. */
export async function readEvalTasks(folder: string): Promise<EvalTask[]> {
  const paths = await list(folder);
  if (paths.length === 0 || paths.length > MOST_TASKS)
    throw wrong(`${folder} holds ${paths.length} tasks; it may have from 1 to ${MOST_TASKS}`);
  return Promise.all(paths.map((path) => readOne(folder, path)));
}

async function list(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const found: string[] = [];
    for (const language of entries.filter((it) => it.isDirectory()))
      for (const name of await readdir(join(folder, language.name)))
        if (name.endsWith(".md")) found.push(`${language.name}/${name}`);
    return found.sort();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw wrong(`The tasks cannot be read: ${why}`, cause);
  }
}

async function readOne(folder: string, path: string): Promise<EvalTask> {
  const file = join(folder, path);
  if ((await stat(file)).size > MOST_BYTES) throw wrong(`${file} is too large for a task`);
  const task = readEvalTask(path.replace(/\.md$/, ""), await readFile(file, "utf8"));
  if ("why" in task) throw wrong(`${file} is no task: ${task.why}`);
  return task;
}

function wrong(message: string, cause?: unknown): TandemError {
  return new TandemError("bad-input", message, "The tasks that come with Tandem, in its folder evals, show the form", {
    cause,
  });
}
