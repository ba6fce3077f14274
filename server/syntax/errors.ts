import type { Node, Tree } from "web-tree-sitter";
import type { SyntaxError as TextError } from "../ports.ts";
import { createLines } from "./lines.ts";
import { walk } from "./walk.ts";

/** A text full of errors is one fact; the first ones say where to look. */
export const MOST_ERRORS = 50;

interface Found {
  readonly at: number;
  readonly message: string;
}

/** What the parser could not read, in document order, at most `MOST_ERRORS`. */
export function findErrors(tree: Tree, text: string): TextError[] {
  if (!tree.rootNode.hasError) return [];
  const found: Found[] = [];
  walk(tree, (cursor) => {
    if (cursor.nodeIsMissing) found.push({ at: cursor.startIndex, message: `missing ${label(cursor.nodeType)}` });
    else if (cursor.nodeType === "ERROR") found.push(explain(cursor.currentNode, text));
    return found.length < MOST_ERRORS;
  });
  if (found.length === 0) found.push(hidden(tree.rootNode, text));
  const { positionAt } = createLines(text);
  found.sort((a, b) => a.at - b.at);
  return found.map((it) => ({ ...positionAt(it.at), message: it.message }));
}

const CLOSER_OF: ReadonlyMap<string, string> = new Map([
  ["{", "}"],
  ["(", ")"],
  ["[", "]"],
  ["${", "}"],
]);
const CLOSERS: ReadonlySet<string> = new Set(CLOSER_OF.values());

/** An ERROR node spans all the parser gave up on; its brackets and quotes tell the most about why. */
function explain(error: Node, text: string): Found {
  const open: Node[] = [];
  for (const child of error.children) {
    if (CLOSER_OF.has(child.type)) open.push(child);
    else if (CLOSERS.has(child.type)) {
      const opener = open.pop();
      if (!opener || CLOSER_OF.get(opener.type) !== child.type)
        return { at: child.startIndex, message: `unexpected "${child.type}"` };
    }
  }
  const unclosed = open.at(-1);
  if (unclosed) return { at: unclosed.startIndex, message: `"${unclosed.type}" is never closed` };
  const quote = error.children.find((it) => /^["'`]+$/.test(it.type) || it.type === "string_start");
  if (quote) return { at: quote.startIndex, message: "unterminated string" };
  return unexpected(error, text);
}

function unexpected(node: Node, text: string): Found {
  const at = node.startIndex;
  const word = /^\s*(?:[\p{L}\p{N}_$]+|\S)/u
    .exec(text.slice(at, Math.max(at + 1, Math.min(node.endIndex, at + 60))))?.[0]
    .trim();
  return { at, message: word ? `unexpected "${word}"` : "unexpected end" };
}

/** Some grammars insert invisible tokens (a line's end, say): the error is then only a flag on the nodes around it. */
function hidden(root: Node, text: string): Found {
  let at = root;
  for (;;) {
    const inner = at.children.find((it) => it.hasError);
    if (!inner) return { at: at.startIndex, message: `${unexpected(at, text).message} or something missing near it` };
    at = inner;
  }
}

function label(type: string): string {
  return /^[a-z]\w+$/i.test(type) ? type.replaceAll("_", " ") : `"${type}"`;
}
