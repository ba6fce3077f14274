import type { Node, Tree } from "web-tree-sitter";
import type { SyntaxError as TextError } from "../ports.ts";
import { createLines } from "./lines.ts";
import type { Complaint, Strict } from "./strict.ts";
import { walk } from "./walk.ts";

/** A text full of errors is one fact; the first ones say where to look. */
export const MOST_ERRORS = 50;

/** What the parser could not read or should not have, in document order, at most `MOST_ERRORS`. */
export function findErrors(tree: Tree, text: string, strict: Strict | null): TextError[] {
  const isBroken = tree.rootNode.hasError;
  if (!isBroken && !strict) return [];
  const found: Complaint[] = [];
  walk(tree, (cursor) => {
    const type = cursor.nodeType;
    if (strict?.types.has(type)) found.push(...strict.find(cursor.currentNode, text));
    if (isBroken && cursor.nodeIsMissing) found.push({ at: cursor.startIndex, message: missing(type) });
    else if (isBroken && type === "ERROR") found.push(explain(cursor.currentNode, text));
    return found.length < MOST_ERRORS;
  });
  if (isBroken && found.length === 0) found.push(hidden(tree.rootNode));
  const { positionAt } = createLines(text);
  found.sort((a, b) => a.at - b.at);
  return found.slice(0, MOST_ERRORS).map((it) => ({ ...positionAt(it.at), message: it.message }));
}

const CLOSER_OF: ReadonlyMap<string, string> = new Map([
  ["{", "}"],
  ["(", ")"],
  ["[", "]"],
  ["${", "}"],
]);
const CLOSERS: ReadonlySet<string> = new Set(CLOSER_OF.values());

/** An ERROR node spans all the parser gave up on; its brackets and quotes tell the most about why. */
function explain(error: Node, text: string): Complaint {
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
  return { at: error.startIndex, message: unread(error, text) };
}

const LONGEST_QUOTE = 40;

/** One token that does not belong, or a construct that was begun and not understood. */
function unread(node: Node, text: string): string {
  const source = text.slice(node.startIndex, Math.min(node.endIndex, node.startIndex + LONGEST_QUOTE)).trim();
  const [line = ""] = source.split(/\r?\n/);
  if (line === "") return "unexpected end";
  if (node.childCount > 1) return `not understood: "${line}"`;
  return `unexpected "${/^(?:[\p{L}\p{N}_$]+|.)/u.exec(line)?.[0]}"`;
}

/** Some grammars insert invisible tokens (a line's end, say): the error is then only a flag on the nodes around it. */
function hidden(root: Node): Complaint {
  let at = root;
  for (;;) {
    const inner = at.children.find((it) => it.hasError);
    if (!inner) return { at: at.startIndex, message: "something is missing near here" };
    at = inner;
  }
}

function missing(type: string): string {
  if (/^["'`]+$/.test(type)) return "unterminated string";
  return /^[a-z]+_\w+$|^identifier$/i.test(type) ? `missing ${type.replaceAll("_", " ")}` : `missing "${type}"`;
}
