import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { type Loaded, loadConfig } from "../config/load.ts";
import { STARTER } from "../config/starter.ts";
import { TandemError } from "../errors.ts";
import { configFile } from "../platform/folders.ts";
import { Config } from "../protocol/config.ts";
import { VARIABLES } from "../protocol/environment.ts";
import type { Out } from "./printer.ts";
import { align } from "./table.ts";

export interface ConfigGiven {
  readonly words: readonly string[];
  readonly isJson: boolean;
  readonly out: Out;
}

/** `tandem config`, `config check [FILE]`, `config init`, `config schema`: nothing is started for any of them. Resolves to the exit code. */
export async function configCommand({ words, isJson, out }: ConfigGiven): Promise<number> {
  const [verb, file, ...more] = words;
  if (more.length > 0 || (file !== undefined && verb !== "check")) throw unknown(words);
  switch (verb) {
    case undefined:
      return show(load(), isJson, out);
    case "check":
      return check(file === undefined ? load() : named(resolve(file)), isJson, out);
    case "init":
      return init(configFile(), out);
    case "schema":
      out.write(`${schemaText()}\n`);
      return 0;
    default:
      throw unknown(words);
  }
}

/** The published schema of the configuration file, as JSON. */
export function schemaText(): string {
  const schema = z.toJSONSchema(Config, { io: "input" });
  return JSON.stringify({ ...schema, title: "Tandem's configuration" }, null, 2);
}

function load(path = configFile()): Loaded {
  return loadConfig({ path, env: process.env, before: null });
}

/** One that the user has named has to be there. Throws TandemError bad-input. */
function named(path: string): Loaded {
  const loaded = load(path);
  if (loaded.isThere || loaded.problems.length > 0) return loaded;
  throw new TandemError("bad-input", `${path} is not there`, "Name a file that is, or none for the one that holds");
}

interface Value {
  readonly path: string;
  readonly value: unknown;
  /** "default", "file", or the variable's name. */
  readonly from: string;
}

/** Every value that holds on this machine, and where it is from. Flags and the editor's settings are over all of them. */
function show(loaded: Loaded, isJson: boolean, out: Out): number {
  const values = VARIABLES.map(
    ({ path }): Value => ({ path, value: shown(path, at(loaded.config, path)), from: originOf(path, loaded) }),
  );
  const models = loaded.config.models.map(({ apiKey, ...it }) => ({ ...it, ...(apiKey ? { apiKey: HIDDEN } : {}) }));
  const { path, isThere, problems } = loaded;
  if (isJson) {
    out.write(`${JSON.stringify({ path, isThere, values, models, problems }, null, 2)}\n`);
    return 0;
  }
  out.write(`${path}${isThere ? "" : " is not there; `tandem config init` writes one to begin with"}\n\n`);
  const rows = values.map((it) => [it.path, JSON.stringify(it.value), it.from, variableOf(it.path)]);
  for (const row of align([["setting", "value", "from", "variable"], ...rows])) out.write(`${row}\n`);
  out.write(models.length === 0 ? "\nNo models of your own\n" : "\nModels of your own:\n");
  for (const it of models) out.write(`  ${JSON.stringify(it)}\n`);
  out.write("\nThe command line's flags and the editor's settings go before all of these.\n");
  tell(loaded, out);
  return 0;
}

const HIDDEN = "(set)";

function shown(path: string, value: unknown): unknown {
  return path.endsWith(".apiKey") && value !== "" ? HIDDEN : value;
}

function originOf(path: string, { file, environment, variables }: Loaded): string {
  if (at(environment, path) !== undefined) return variables.get(path) ?? "environment";
  return at(file, path) === undefined ? "default" : "file";
}

function variableOf(path: string): string {
  const variable = VARIABLES.find((it) => it.path === path);
  return variable ? [variable.name, ...variable.aliases].join(", ") : "";
}

function at(table: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce(
      (it: unknown, key) => (typeof it === "object" && it !== null ? (it as Record<string, unknown>)[key] : undefined),
      table,
    );
}

/** 1 when something is wrong, so that scripts can ask. */
function check(loaded: Loaded, isJson: boolean, out: Out): number {
  const { path, isThere, problems } = loaded;
  if (isJson) out.write(`${JSON.stringify({ path, isThere, problems }, null, 2)}\n`);
  else if (!isThere) out.write(`${path} is not there, which is fine: the defaults hold\n`);
  else if (problems.length === 0) out.write(`${path} is right\n`);
  if (!isJson) tell(loaded, out);
  return problems.length === 0 ? 0 : 1;
}

function tell({ path, problems }: Loaded, out: Out): void {
  for (const { line, column, message, isVariable } of problems) {
    const where = line === null ? path : `${path}:${line}:${column}`;
    out.write(`${isVariable ? "the variable " : `${where}: `}${message}\n`);
  }
}

/** A file to begin with, all of it comments. One that is there is never touched. */
async function init(path: string, out: Out): Promise<number> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await file.writeFile(STARTER);
    await file.close();
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === "EEXIST";
    throw new TandemError(
      "bad-input",
      isThere ? `${path} is there already` : `${path} cannot be written`,
      isThere ? "Edit it; `tandem config check` says what is wrong in it" : "Name another file in TANDEM_CONFIG",
      { cause },
    );
  }
  out.write(`${path}\n`);
  return 0;
}

function unknown(words: readonly string[]): TandemError {
  const nextStep = "Use `tandem config`, `config check [FILE]`, `config init` or `config schema`";
  return new TandemError("bad-input", `There is no command "config ${words.join(" ")}"`, nextStep);
}
