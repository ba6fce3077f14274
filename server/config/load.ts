import { readFileSync, type Stats, statSync } from "node:fs";
import type { ConfigPart } from "../core/layers.ts";
import type { Config } from "../protocol/config.ts";
import { fromEnvironment } from "../protocol/environment.ts";
import { clean } from "./clean.ts";
import { configOf, type FileRead, type Problem, readConfig } from "./read.ts";

/** The configuration that holds, and where it is from. */
export interface Loaded {
  /** Of the file, whether it is there or not. */
  readonly path: string;
  readonly isThere: boolean;
  /** The environment over the file over the defaults. */
  readonly config: Config;
  /** What the file says, and what the environment says. */
  readonly file: ConfigPart;
  readonly environment: ConfigPart;
  /** The variable that a value's path was read from. */
  readonly variables: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

export interface LoadGiven {
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What held before: a file that is half written changes nothing. */
  readonly before: Loaded | null;
}

/** More than any list of models takes; a file beyond this is none of ours. */
const MOST_BYTES = 1024 * 1024;

/** Reads the configuration file and the environment. Never throws: what cannot be read is told as a problem. */
export function loadConfig({ path, env, before }: LoadGiven): Loaded {
  const found = readFile(path, before?.file ?? {});
  const isKept = found.isBroken && before !== null;
  const file = isKept ? before.file : found.part;
  const said = fromEnvironment(env);
  const environment = clean(said.values, {});
  const whole = (message: string): Problem => ({ line: null, column: null, message });
  const variable = (message: string): Problem => ({ ...whole(message), isVariable: true });
  const made = configOf(file, environment.part);
  return {
    path,
    isThere: found.isThere,
    config: made.config,
    file,
    environment: environment.part,
    variables: said.origins,
    problems: [
      ...found.problems,
      ...(isKept ? [whole("Until it is whole again, what it said before holds")] : []),
      ...[...said.problems, ...said.conflicts].map(variable),
      ...environment.faults.map((it) =>
        variable(`${said.origins.get(it.path.join(".")) ?? it.path.join(".")}: ${it.message}`),
      ),
      ...made.faults.map((it) => whole(`${it.path.join(".")}: with the environment over the file, ${it.message}`)),
    ],
  };
}

interface Found extends FileRead {
  readonly isThere: boolean;
}

function readFile(path: string, before: ConfigPart): Found {
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch (error) {
    const isMissing =
      (error as NodeJS.ErrnoException).code === "ENOENT" || (error as NodeJS.ErrnoException).code === "ENOTDIR";
    return isMissing
      ? { isThere: false, ...NOTHING }
      : unreadable(before, `It cannot be read: ${String((error as Error).message)}`);
  }
  // A pipe or a device would never end.
  if (!stats.isFile()) return unreadable(before, "It is no file");
  if (stats.size > MOST_BYTES)
    return unreadable(before, `It has ${stats.size} bytes, and at most ${MOST_BYTES} are read`);
  try {
    const read = readConfig(readFileSync(path, "utf8"), before);
    return { ...read, isThere: true, problems: [...read.problems, ...openToOthers(stats, read.part)] };
  } catch (error) {
    return unreadable(before, `It cannot be read: ${String((error as Error).message)}`);
  }
}

const NOTHING: FileRead = { part: {}, problems: [], isBroken: false };

function unreadable(part: ConfigPart, message: string): Found {
  return { part, isThere: true, isBroken: false, problems: [{ line: null, column: null, message }] };
}

/** A key in a file that others can read is theirs too. Windows keeps such files to their user by itself. */
function openToOthers({ mode }: Stats, { roles, models, cloud }: ConfigPart): Problem[] {
  const keys = [...Object.values(roles ?? {}), ...(models ?? []), cloud].filter((it) => it?.apiKey);
  if (process.platform === "win32" || keys.length === 0 || (mode & 0o077) === 0) return [];
  return [{ line: null, column: null, message: "It holds a key and other users can read it: run chmod 600 on it" }];
}

/** Every value that the two say differently, by its path; values themselves are not told, as there may be keys among them. */
export function changesBetween(a: Config, b: Config): string[] {
  return different(a, b, "");
}

function different(a: unknown, b: unknown, path: string): string[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  if (!isTable(a) || !isTable(b)) return [path];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key) => different(a[key], b[key], path === "" ? key : `${path}.${key}`));
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
