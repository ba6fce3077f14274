import { z } from "zod";
import { Config } from "./config.ts";

/** A variable of the environment, and the value of the configuration that it stands for. */
export interface Variable {
  readonly name: string;
  /** Names that mean the same: those of seed documents. */
  readonly aliases: readonly string[];
  /** Where it stands in the configuration: "memory.reserveGb". */
  readonly path: string;
  /** Read from text: a number, "true" or "false", addresses with commas between them, or the text itself. */
  readonly kind: "text" | "number" | "boolean" | "list";
  readonly about: string;
}

export interface FromEnvironment {
  /** In the configuration's shape, only what is set; numbers are numbers, everything else as it was found. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The variable that each path was read from. */
  readonly origins: ReadonlyMap<string, string>;
  /** One sentence each: a variable that cannot be read. */
  readonly problems: readonly string[];
  /** One sentence each: two variables that stand for one value and differ, and which of them counts. */
  readonly conflicts: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Names that are shorter than their path, or older than the file. */
const NAMES: Readonly<Record<string, string>> = {
  "tasks.timeoutSeconds": "TANDEM_TIMEOUT",
  "tasks.connectTimeoutSeconds": "TANDEM_CONNECT_TIMEOUT",
  "tasks.firstTokenTimeoutSeconds": "TANDEM_FIRST_TOKEN_TIMEOUT",
  "tasks.idleTimeoutSeconds": "TANDEM_IDLE_TIMEOUT",
  "backends.vllm": "TANDEM_VLLM",
  "discovery.isLoopbackProbed": "TANDEM_PROBE_LOOPBACK",
  "discovery.isAttached": "TANDEM_ATTACH",
};

/** These parts' names do not say in what part they are. */
const PLAIN: ReadonlySet<string> = new Set(["roles", "tasks"]);
const PLAIN_BACKENDS: ReadonlySet<string> = new Set(["llamaServer", "force"]);

/** The first design's documents have these; each stands for the value beside it. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  "roles.draft.endpoint": ["NEURALCURSOR_REASONING_LLM_HOST"],
  "roles.draft.model": ["NEURALCURSOR_REASONING_LLM_MODEL"],
  "roles.draft.device": ["NEURALCURSOR_GPU_REASONING_DEVICE"],
  "roles.draft.vramLimitGb": ["NEURALCURSOR_VRAM_LIMIT_REASONING_GB"],
  "roles.embed.endpoint": ["NEURALCURSOR_EMBEDDING_LLM_HOST"],
  "roles.embed.model": ["NEURALCURSOR_EMBEDDING_LLM_MODEL"],
  "roles.embed.device": ["NEURALCURSOR_GPU_EMBEDDING_DEVICE"],
  "roles.embed.vramLimitGb": ["NEURALCURSOR_VRAM_LIMIT_EMBEDDING_GB"],
  "roles.embed.dimensions": ["NEURALCURSOR_EMBEDDING_DIMENSIONS"],
};

/** Every variable that stands for a value of the configuration, in the file's order. */
export const VARIABLES: readonly Variable[] = leavesOf(Config, []).flatMap(({ path, schema, about }) => {
  const kind = kindOf(schema);
  const [part, role] = path;
  const isAlias = part === "roles" && (role === "reasoning" || role === "embedding");
  if (kind === null || isAlias || part === "$schema") return [];
  const at = path.join(".");
  return [{ name: NAMES[at] ?? nameOf(path), aliases: ALIASES[at] ?? [], path: at, kind, about }];
});

/** What the documents call a backend; theirs of PyTorch is a server that is spoken to as any other. */
const BACKENDS: Readonly<Record<string, string>> = { llama_cpp: "embedded", pytorch: "endpoint" };

/** What the environment says of the configuration. An empty variable says nothing. */
export function fromEnvironment(env: Environment): FromEnvironment {
  const values: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  const problems: string[] = [];
  const conflicts: string[] = [];
  for (const variable of VARIABLES) {
    const set = [variable.name, ...variable.aliases].filter((it) => (env[it] ?? "") !== "");
    const [first, ...others] = set;
    if (first === undefined) continue;
    const text = env[first] ?? "";
    for (const other of others)
      if (env[other] !== text) conflicts.push(`${first} and ${other} stand for the same and differ: ${first} counts`);
    const named = variable.path === "backends.force" ? (BACKENDS[text] ?? text) : text;
    const read = readAs(variable.kind, named);
    if (read === undefined) {
      problems.push(`${first}: "${text}" is no ${variable.kind === "number" ? "number" : '"true" or "false"'}`);
      continue;
    }
    origins.set(variable.path, first);
    put(values, variable.path.split("."), read);
  }
  return { values, origins, problems, conflicts };
}

interface Leaf {
  readonly path: readonly string[];
  readonly schema: z.ZodType;
  readonly about: string;
}

/** Values that are no objects themselves. */
function leavesOf(schema: z.ZodType, path: readonly string[]): Leaf[] {
  const inner = unwrapped(schema);
  if (!(inner instanceof z.ZodObject)) return [{ path, schema: inner, about: schema.description ?? "" }];
  return Object.entries(inner.shape).flatMap(([key, value]) => leavesOf(value as z.ZodType, [...path, key]));
}

function unwrapped(schema: z.ZodType): z.ZodType {
  const isWrapped =
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable;
  return isWrapped ? unwrapped(schema.def.innerType as z.ZodType) : schema;
}

/** Null: nothing that fits into a variable. */
function kindOf(schema: z.ZodType): Variable["kind"] | null {
  if (schema instanceof z.ZodNumber) return "number";
  if (schema instanceof z.ZodBoolean) return "boolean";
  if (schema instanceof z.ZodString || schema instanceof z.ZodEnum) return "text";
  const element = schema instanceof z.ZodArray ? schema.def.element : null;
  return element instanceof z.ZodString || element instanceof z.ZodEnum ? "list" : null;
}

function nameOf(path: readonly string[]): string {
  const [part = "", ...rest] = path;
  const isPlain = PLAIN.has(part) || (part === "backends" && PLAIN_BACKENDS.has(rest[0] ?? ""));
  const words = part === "backends" && rest[0] === "force" ? ["force", "backend"] : isPlain ? rest : path;
  return ["TANDEM", ...words.map((it) => it.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase())].join("_");
}

function readAs(kind: Variable["kind"], text: string): unknown {
  switch (kind) {
    case "text":
      return text;
    case "number":
      return text.trim() === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
    case "boolean":
      return { true: true, "1": true, false: false, "0": false }[text.trim().toLowerCase()];
    case "list":
      return text
        .split(",")
        .map((it) => it.trim())
        .filter((it) => it !== "");
  }
}

function put(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = "", ...rest] = path;
  if (rest.length === 0) {
    into[key] = value;
    return;
  }
  const below: Record<string, unknown> = { ...(into[key] as Record<string, unknown> | undefined) };
  put(below, rest, value);
  into[key] = below;
}
