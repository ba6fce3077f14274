import type { z } from "zod";
import { type ConfigPart, partOver } from "../core/layers.ts";
import { Config } from "../protocol/config.ts";
import { ConfigModel } from "../protocol/configModel.ts";
import { nearest } from "./nearest.ts";

/** Something that does not count: where it stands, what was found, and what is allowed. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
}

export interface Cleaned {
  /** All that is right, and what `before` had in place of what is wrong. */
  readonly part: ConfigPart;
  readonly faults: readonly Fault[];
}

type Path = readonly PropertyKey[];
type Table = Record<PropertyKey, unknown>;

/** Faults of one round are taken out together; a value that more than one rule forbids shows in a later one. */
const MOST_ROUNDS = 20;
/** More are not looked for words for. */
const MOST_FAULTS = 50;

/** Takes out of a configuration what is wrong, value by value; a wrong model goes whole, since half of one would be another model. */
export function clean(value: Table, before: ConfigPart): Cleaned {
  const { models, hosts, ...others } = value;
  const list = cleanModels(models, before);
  const addresses = cleanHosts(hosts);
  const rest = cleanTable(others, before);
  const part: ConfigPart = {
    ...rest.part,
    ...(list.models === undefined ? {} : { models: list.models }),
    ...(addresses.hosts === undefined ? {} : { hosts: addresses.hosts }),
  };
  const faults = [...list.faults, ...addresses.faults, ...rest.faults];
  if (!faults.some(isOfCloud)) return { part, faults };
  // What was meant to stay here must not go because of a slip of the pen.
  const told = faults.map((it) => (isOfCloud(it) ? { ...it, message: `${it.message}; ${CLOUD_IS_OFF}` } : it));
  return { part: { ...part, cloud: { ...part.cloud, tiers: [] } }, faults: told };
}

const CLOUD_IS_OFF = "until that is right, the cloud is off";

function isOfCloud({ path: [part] }: Fault): boolean {
  return part === "cloud";
}

function cleanTable(value: Table, before: ConfigPart): Cleaned {
  const faults: Fault[] = [];
  const removed: Path[] = [];
  let rest = value;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const read = Config.safeParse(rest);
    if (read.success) return { part: partOver(pick(before, removed), rest), faults };
    for (const issue of read.error.issues) {
      if (faults.length < MOST_FAULTS) faults.push(...faultsOf(issue, valueAt(rest, issue.path)));
      if (issue.code === "unrecognized_keys") rest = withoutKeys(rest, issue.path, new Set(issue.keys));
      else {
        // A list with something wrong in it goes whole: half of one would mean something else.
        const list = issue.path.findIndex((it) => typeof it === "number");
        const path = list < 0 ? issue.path : issue.path.slice(0, list);
        removed.push(path);
        rest = without(rest, path);
      }
    }
  }
  return { part: before, faults };
}

function cleanModels(
  value: unknown,
  before: ConfigPart,
): { models?: readonly ConfigModel[]; faults: readonly Fault[] } {
  if (value === undefined) return { faults: [] };
  if (!Array.isArray(value)) return { faults: [{ path: ["models"], message: "must be a list of models: [ … ]" }] };
  const faults: Fault[] = [];
  const models: ConfigModel[] = [];
  for (const [index, entry] of value.slice(0, MOST_MODELS).entries()) {
    const at = ["models", index];
    const read = ConfigModel.safeParse(entry);
    const name = (entry as { name?: unknown } | null)?.name;
    if (models.some((it) => it.name === name))
      faults.push({ path: [...at, "name"], message: `"${name}" is the name of an earlier model, which counts` });
    else if (read.success) models.push(read.data);
    else {
      for (const issue of faults.length < MOST_FAULTS ? read.error.issues : [])
        faults.push(...faultsOf({ ...issue, path: [...at, ...issue.path] }, valueAt(entry, issue.path)));
      const old = before.models?.find((it) => it.name === name);
      if (old) models.push(old);
    }
  }
  if (value.length > MOST_MODELS)
    faults.push({ path: ["models", MOST_MODELS], message: `only ${MOST_MODELS} models count` });
  return { models, faults };
}

const MOST_MODELS = 200;

function cleanHosts(value: unknown): { hosts?: readonly string[]; faults: readonly Fault[] } {
  if (!Array.isArray(value)) {
    const read = Config.shape.hosts.safeParse(value);
    return { faults: read.success ? [] : [{ path: ["hosts"], message: "must be a list of addresses: [ … ]" }] };
  }
  const faults: Fault[] = [];
  const hosts = value.flatMap((it, index) => {
    const read = Config.shape.hosts.safeParse([it]);
    if (read.success) return read.data;
    faults.push({ path: ["hosts", index], message: said(it, read.error.issues[0]?.message ?? "is no address") });
    return [];
  });
  return { hosts: hosts.slice(0, MOST_HOSTS), faults };
}

const MOST_HOSTS = 32;

/** What is wrong, in words. */
function faultsOf(issue: z.core.$ZodIssue, found: unknown): Fault[] {
  if (issue.code !== "unrecognized_keys")
    return [{ path: issue.path, message: said(found, issue.message, issue.path) }];
  const known = knownKeys(issue.path);
  return issue.keys.slice(0, MOST_FAULTS).map((key) => {
    const near = nearest(key, known);
    const hint = near ? `did you mean "${near}"?` : `there are: ${known.join(", ")}`;
    return { path: [...issue.path, key], message: `there is no such setting; ${hint}` };
  });
}

const MOST_SHOWN = 80;

/** Tables are not repeated, and keys neither. */
function said(found: unknown, message: string, path: Path = []): string {
  const isPlain = found !== undefined && (typeof found !== "object" || found === null) && path.at(-1) !== "apiKey";
  const shown = isPlain ? JSON.stringify(found) : "";
  return shown === "" || shown.length > MOST_SHOWN || message.startsWith("has no effect")
    ? message
    : `${shown}: ${message}`;
}

interface Def {
  readonly shape?: Record<PropertyKey, z.core.$ZodType>;
  readonly element?: z.core.$ZodType;
  readonly innerType?: z.core.$ZodType;
}

/** The keys that the schema has at a path. */
function knownKeys(path: Path): string[] {
  let at = defOf(Config);
  for (const key of path) {
    const next = typeof key === "number" ? at.element : at.shape?.[key];
    if (!next) return [];
    at = defOf(next);
  }
  return Object.keys(at.shape ?? {});
}

/** What lies under defaults and the like. */
function defOf(schema: z.core.$ZodType): Def {
  const def = schema._zod.def as Def;
  return def.innerType ? defOf(def.innerType) : def;
}

function pick(from: ConfigPart, paths: readonly Path[]): ConfigPart {
  return paths.reduce<ConfigPart>((picked, path) => {
    const value = valueAt(from, path);
    return value === undefined ? picked : partOver(picked, nested(path, value));
  }, {});
}

function nested(path: Path, value: unknown): ConfigPart {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value) as ConfigPart;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((at, key) => (typeof at === "object" && at !== null ? (at as Table)[key] : undefined), value);
}

function withoutKeys(table: Table, [first, ...rest]: Path, keys: ReadonlySet<string>): Table {
  if (first === undefined) return Object.fromEntries(Object.entries(table).filter(([key]) => !keys.has(key)));
  // Taken out already for something else that is wrong in it.
  if (table[first] === undefined) return table;
  const inner = withoutKeys(table[first] as Table, rest, keys);
  return Array.isArray(table) ? (table.with(Number(first), inner) as unknown as Table) : { ...table, [first]: inner };
}

function without(table: Table, [key, ...rest]: Path): Table {
  if (key === undefined) return {};
  const { [key]: at, ...others } = table;
  if (rest.length === 0 || typeof at !== "object" || at === null || Array.isArray(at)) return others;
  return { ...table, [key]: without(at as Table, rest) };
}
