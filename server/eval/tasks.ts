import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type PlantedDraft, readPlanted } from "../core/eval/planted.ts";
import { EVAL_LANGUAGES, type EvalTask, readEvalTask } from "../core/eval/task.ts";
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
    const there = new Set(await readdir(folder));
    const found: string[] = [];
    for (const language of EVAL_LANGUAGES.filter((it) => there.has(it)))
      for (const name of await readdir(join(folder, language)))
        if (name.endsWith(".md")) found.push(`${language}/${name}`);
    return found.sort();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw wrong(`The tasks cannot be read: ${why}`, cause);
  }
}

async function readOne(folder: string, path: string): Promise<EvalTask> {
  const file = join(folder, path);
  const task = readEvalTask(path.replace(/\.md$/, ""), await readBounded(file));
  if ("why" in task) throw wrong(`${file} is no task: ${task.why}`);
  return task;
}

/** Drafts with planted faults, and as they should be. Throws TandemError bad-input. */
export async function readPlantedDrafts(folder: string): Promise<PlantedDraft[]> {
  const names = (await readdir(folder)).filter((it) => it.endsWith(".md")).sort();
  const all = names.map(async (name) => {
    const drafts = readPlanted(name.replace(/\.md$/, ""), await readBounded(join(folder, name)));
    if ("why" in drafts) throw wrong(`${name} holds no drafts: ${drafts.why}`);
    return drafts;
  });
  return (await Promise.all(all)).flat();
}

async function readBounded(file: string): Promise<string> {
  if ((await stat(file)).size > MOST_BYTES) throw wrong(`${file} is too large`);
  return await readFile(file, "utf8");
}

function wrong(message: string, cause?: unknown): TandemError {
  return new TandemError("bad-input", message, "The tasks that come with Tandem, in its folder evals, show the form", {
    cause,
  });
}
