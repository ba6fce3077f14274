import { type FileHandle, mkdir, open, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { EVAL_MODES, type Outcome } from "../core/eval/outcome.ts";
import { EVAL_LANGUAGES } from "../core/eval/task.ts";
import { TandemError } from "../errors.ts";

/** What a file of results was made with: what differs here makes other results. */
const Header = z.object({
  kind: z.literal("eval"),
  version: z.string(),
  /** Hash of all tasks. */
  tasks: z.string(),
  seed: z.int(),
  /** Models by what they do, as the engines call them. */
  models: z.record(z.string(), z.string()),
});
export type Header = z.output<typeof Header>;

const Line = z.object({
  task: z.string(),
  language: z.enum(EVAL_LANGUAGES),
  mode: z.enum(EVAL_MODES),
  kind: z.enum(["passed", "failed", "no-draft", "error"]),
  why: z.string().nullable(),
  ms: z.number(),
  drafter: z.string().nullable(),
  auditor: z.string().nullable(),
  findings: z.int(),
  repairs: z.int(),
  overlap: z.number().nullable(),
  cloud: z.string().nullable(),
});

export interface Results {
  readonly header: Header;
  readonly outcomes: readonly Outcome[];
}

/** A file of results that grows by a line per outcome, so that nothing is lost whatever ends the run. */
export interface ResultsFile extends AsyncDisposable {
  /** What it had already, without what an engine's failure ended: that is tried again. */
  readonly before: readonly Outcome[];
  add(outcome: Outcome): Promise<void>;
}

/** Some 2,000 tasks in four modes. */
const MOST_BYTES = 32 * 1024 ** 2;

/** Begins a file, or goes on with one that was made with the same tasks and models. Throws TandemError bad-input. */
export async function openResults(path: string, header: Header): Promise<ResultsFile> {
  const found = await readIfThere(path);
  if (found) checkSame(path, found.header, header);
  await mkdir(dirname(path), { recursive: true });
  let file: FileHandle;
  try {
    file = await open(path, "a", 0o600);
  } catch (cause) {
    throw wrong(`${path} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  // What broke off in the middle of a line ends there.
  const opening = found ? (found.isWhole ? "" : "\n") : `${JSON.stringify(header)}\n`;
  await file.appendFile(opening);
  return {
    before: (found?.outcomes ?? []).filter((it) => it.kind !== "error"),
    add: async (outcome) => void (await file.appendFile(`${JSON.stringify(outcome)}\n`)),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

/** Throws TandemError bad-input. */
export async function readResults(path: string): Promise<Results> {
  const found = await readIfThere(path);
  if (found) return found;
  throw wrong(`${path} is not there, or is empty`);
}

async function readIfThere(path: string): Promise<(Results & { readonly isWhole: boolean }) | null> {
  const text = await readText(path);
  if (text === "") return null;
  const [first = "", ...lines] = text.split("\n");
  const header = Header.safeParse(parsed(first)).data;
  if (!header) throw wrong(`${path} holds no results of \`tandem eval\``);
  const latest = new Map<string, Outcome>();
  for (const line of lines) {
    const read = Line.safeParse(parsed(line)).data;
    if (read) latest.set(`${read.mode} ${read.task}`, read);
  }
  return { header, outcomes: [...latest.values()], isWhole: text.endsWith("\n") };
}

async function readText(path: string): Promise<string> {
  try {
    if ((await stat(path)).size > MOST_BYTES) throw wrong(`${path} is too large for results`);
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return "";
    if (cause instanceof TandemError) throw cause;
    throw wrong(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

/** Null for what is no JSON: a run that was ended in the middle of a line. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function checkSame(path: string, found: Header, now: Header): void {
  // Some modes need one model alone.
  const other = Object.entries(found.models).find(([role, name]) => (now.models[role] ?? name) !== name);
  const what =
    (found.tasks !== now.tasks && "other tasks") ||
    (other && `another ${other[0]} model (${other[1]})`) ||
    (found.seed !== now.seed && `another seed (${found.seed})`);
  if (what) throw wrong(`${path} was made with ${what}, so it cannot be gone on with`);
}

function wrong(message: string, cause?: unknown): TandemError {
  return new TandemError("bad-input", message, "Give another file with --out", { cause });
}
