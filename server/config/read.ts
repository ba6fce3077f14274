import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { type ConfigPart, partOver } from "../core/layers.ts";
import { Config } from "../protocol/config.ts";
import { clean, type Fault } from "./clean.ts";

/** Something in the file that does not count, or is doubtful. */
export interface Problem {
  /** From 1; null: it is about the whole file. */
  readonly line: number | null;
  readonly column: number | null;
  /** What was found, and what is allowed. */
  readonly message: string;
  /** About a variable of the environment, which the message begins with, and not about the file. */
  readonly isVariable?: true;
}

interface Located extends Problem {
  readonly line: number;
  readonly column: number;
}

/** What a configuration file says. */
export interface FileRead {
  /** Every value of it that is right; where one is wrong, what it was before. */
  readonly part: ConfigPart;
  readonly problems: readonly Problem[];
  /** It is not whole as JSON: half written, perhaps. */
  readonly isBroken: boolean;
}

const MOST_PROBLEMS = 50;

/** Reads the text of a configuration file. A wrong value is told and left out, or keeps what it was `before`; all others count. */
export function readConfig(text: string, before: ConfigPart = {}): FileRead {
  const errors: ParseError[] = [];
  // Some editors on Windows begin a file with a byte order mark.
  const source = text.replace(/^\uFEFF/, "");
  const root = parseTree(source, errors, { allowTrailingComma: true }) ?? null;
  const where = locator(source);
  // With nothing in it, or comments alone, it says nothing; that is no mistake.
  if (root === null && errors.every((it) => printParseErrorCode(it.error) === "ValueExpected"))
    return { part: {}, problems: [], isBroken: false };
  const broken = errors.map((it) => ({ ...where(it.offset), message: wordsOf(it) }));
  if (root?.type !== "object")
    return {
      part: before,
      problems: [...broken, { ...where(root?.offset ?? 0), message: "The file must hold one object: { … }" }],
      isBroken: true,
    };
  const { value, faults, names } = withoutAliases(getNodeValue(root));
  const cleaned = clean(value, before);
  const told = [...faults, ...cleaned.faults].map((it) => located(it, { root, names, where }));
  const problems = [...broken, ...duplicates(root, where), ...told]
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .slice(0, MOST_PROBLEMS);
  return { part: cleaned.part, problems, isBroken: errors.length > 0 };
}

/** A configuration, and what of its parts could not stand together. */
export interface Made {
  readonly config: Config;
  readonly faults: readonly Fault[];
}

/** The whole configuration that right parts make, a later one over an earlier; the defaults where none says anything. */
export function configOf(...parts: readonly ConfigPart[]): Made {
  const { part, faults } = clean(parts.reduce(partOver, {}), {});
  return { config: Config.parse(part), faults };
}

type Table = Record<PropertyKey, unknown>;
type Locate = (offset: number) => { line: number; column: number };

interface InFile {
  readonly root: Node;
  /** Roles that stand in the file by their other name. */
  readonly names: ReadonlyMap<PropertyKey, string>;
  readonly where: Locate;
}

/** The deepest part of the path that the file has: a value that is missing is told of where it should stand. */
function located({ path, message }: Fault, { root, names, where }: InFile): Located {
  const inFile = path.map((it, at) => (at === 1 && path[0] === "roles" ? (names.get(it) ?? it) : it));
  const segments = inFile.map((it) => (typeof it === "number" ? it : String(it)));
  let found = root;
  for (let length = segments.length; length > 0; length--) {
    const node = findNodeAtLocation(root, segments.slice(0, length));
    if (!node) continue;
    // Of a key that there is not, the key is meant and not its value.
    found = message.startsWith("there is no such") ? (node.parent?.children?.[0] ?? node) : node;
    break;
  }
  return { ...where(found.offset), message: `${segments.join(".")}: ${message}` };
}

/** The documents of the first design call the roles otherwise. */
const ALIASES = [
  ["reasoning", "draft"],
  ["embedding", "embed"],
] as const;

function withoutAliases(value: Table): { value: Table; faults: Fault[]; names: ReadonlyMap<PropertyKey, string> } {
  const { roles } = value;
  const names = new Map<PropertyKey, string>();
  const faults: Fault[] = [];
  if (typeof roles !== "object" || roles === null || Array.isArray(roles)) return { value, faults, names };
  const renamed: Table = { ...roles };
  for (const [alias, name] of ALIASES) {
    if (renamed[alias] === undefined) continue;
    if (renamed[name] === undefined) {
      renamed[name] = renamed[alias];
      names.set(name, alias);
    } else
      faults.push({
        path: ["roles", alias],
        message: `is another name of "${name}", which stands here too and counts`,
      });
    delete renamed[alias];
  }
  return { value: { ...value, roles: renamed }, faults, names };
}

/** JSON's own rule is that the last one counts; whoever wrote both meant something else. */
function duplicates(node: Node, where: Locate): Located[] {
  const keys = node.type === "object" ? (node.children ?? []).flatMap((it) => it.children?.[0] ?? []) : [];
  const seen = new Set<unknown>();
  const twice = keys.filter(({ value }) => seen.has(value) || !seen.add(value));
  const here = twice.map((it) => ({
    ...where(it.offset),
    message: `"${it.value}" stands here twice; the last one counts`,
  }));
  return [...here, ...(node.children ?? []).flatMap((it) => duplicates(it, where))];
}

function locator(text: string): Locate {
  return (offset) => {
    const lines = text.slice(0, offset).split("\n");
    return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
  };
}

/** "CommaExpected" as people say it. */
function wordsOf({ error }: ParseError): string {
  const words = printParseErrorCode(error)
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();
  return words.endsWith("expected") ? `${words.replace(/ expected$/, "")} is missing here` : `${words} here`;
}
