import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { languageOfPath } from "../core/language.ts";
import { TandemError } from "../errors.ts";
import { decode } from "../files.ts";
import type { RunParams } from "../protocol/run.ts";
import { Action } from "../protocol/run.ts";
import type { Range } from "../protocol/source.ts";

/** Nothing that large is source code; it is not even read. */
const MOST_BYTES = 64 * 1024 * 1024;

export interface RunArguments {
  readonly instruction: string;
  readonly action?: string | undefined;
  readonly file?: string | undefined;
  readonly range?: string | undefined;
}

/** The request the arguments mean. Throws TandemError bad-input that says which argument is wrong and how. */
export async function toRequest({ instruction, action, file, range }: RunArguments): Promise<RunParams> {
  const params: RunParams = { instruction, diagnostics: [], unsaved: [] };
  if (action !== undefined) params.action = toAction(action);
  if (range !== undefined && file === undefined)
    throw new TandemError("bad-input", "--range needs --file", "Say which file the range is in: --file PATH");
  if (range !== undefined) params.range = toRange(range);
  if (file === undefined) return params;
  const path = resolve(file);
  params.document = {
    uri: pathToFileURL(path).href,
    languageId: languageOfPath(path),
    version: null,
    text: await readSource(path),
  };
  return params;
}

function toAction(text: string): Action {
  const read = Action.safeParse(text);
  if (read.success) return read.data;
  throw new TandemError("bad-input", `There is no action "${text}"`, `Choose one of: ${Action.options.join(", ")}`);
}

/** "12:1-20:3": lines and columns count from 1, the end is exclusive; "12:5" is a cursor, "12-20" whole lines. */
export function toRange(text: string): Range {
  const match = /^(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?$/.exec(text);
  const startLine = Number(match?.[1] ?? 0);
  if (!match || startLine < 1) throw wrongRange(text);
  const start = { line: startLine - 1, character: Math.max(0, Number(match[2] ?? 1) - 1) };
  if (match[3] === undefined) return { start, end: match[2] === undefined ? { line: startLine, character: 0 } : start };
  const endLine = Number(match[3]);
  const end =
    match[4] === undefined
      ? { line: endLine, character: 0 }
      : { line: endLine - 1, character: Math.max(0, Number(match[4]) - 1) };
  if (end.line < start.line || (end.line === start.line && end.character < start.character)) throw wrongRange(text);
  return { start, end };
}

function wrongRange(text: string): TandemError {
  return new TandemError(
    "bad-input",
    `"${text}" is no range`,
    "Write LINE:COLUMN-LINE:COLUMN, counted from 1: --range 12:1-20:2",
  );
}

async function readSource(path: string): Promise<string> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "ENOENT" ? "does not exist" : `cannot be read (${cause.code ?? cause.message})`;
    throw new TandemError("bad-input", `${path} ${why}`, "Check the path given with --file", { cause });
  });
  if (!found.isFile()) throw new TandemError("bad-input", `${path} is not a file`, "Name a source file with --file");
  if (found.size > MOST_BYTES)
    throw new TandemError("bad-input", `${path} has ${Math.round(found.size / 1e6)} MB`, "Name a source file");
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new TandemError(
      "bad-input",
      `${path} cannot be read (${cause.code ?? cause.message})`,
      "Check the file's permissions",
      { cause },
    );
  });
  return decode(bytes, path);
}
