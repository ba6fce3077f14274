import type { Node } from "web-tree-sitter";
import type { Declaration } from "../ports.ts";
import type { GrammarTable, Rule } from "./grammarTable.ts";
import type { Span } from "./leads.ts";
import type { Lines } from "./lines.ts";
import { childOf } from "./name.ts";

export interface Body {
  /** Where the declaration's head ends: behind the opening brace or colon, or where the expression starts. */
  readonly headEnd: number;
  readonly body: Span;
  readonly docstring: Span | null;
}

export interface BodyInput {
  readonly text: string;
  readonly lines: Lines;
  readonly table: GrammarTable;
}

/** The body of the function, class or other thing that `holder` is; null when it has none. */
export function findBody(holder: Node, rule: Rule, kind: Declaration["kind"], input: BodyInput): Body | null {
  const node = bodyNode(holder, rule);
  if (input.table.bodies === "lines" && node?.type === "block") return byLines(holder, node, input);
  if (input.table.bodies === "end" && holder.lastChild?.type === "end") return byEnd(holder, holder.lastChild);
  if (!node) return between(holder.children);
  const delimited = byDelimiters(node);
  if (delimited) return delimited;
  if (node.type === "arrow_expression_clause" && node.lastNamedChild) return expression(node.lastNamedChild);
  return kind === "function" || kind === "method" ? expression(node) : null;
}

function bodyNode(holder: Node, rule: Rule): Node | null {
  for (const key of rule.when === "value" ? ["body"] : rule.body) {
    const child = childOf(holder, key);
    if (child) return child;
  }
  return null;
}

/** Go's `struct { … }` and `interface { … }` have the keyword first; everything else its bracket. */
function byDelimiters(node: Node): Body | null {
  if (node.type === "struct_type") return node.lastNamedChild && byDelimiters(node.lastNamedChild);
  if (node.type === "interface_type") return between(node.children);
  const { firstChild, lastChild } = node;
  if (!firstChild || !OPENERS.has(firstChild.type) || node.type === "hash") return null;
  const isClosed = lastChild !== null && CLOSERS.has(lastChild.type);
  return delimitedAt(firstChild.endIndex, isClosed ? lastChild.startIndex : node.endIndex);
}

const OPENERS = new Set(["{", "do"]);
const CLOSERS = new Set(["}", "end"]);

function between(children: readonly Node[]): Body | null {
  const open = children.find((it) => it.type === "{");
  const close = children.findLast((it) => it.type === "}");
  return open && close ? delimitedAt(open.endIndex, close.startIndex) : null;
}

function delimitedAt(start: number, end: number): Body {
  return { headEnd: start, body: { start, end: Math.max(start, end) }, docstring: null };
}

/** Ruby: from behind the parameters up to `end`. */
function byEnd(holder: Node, end: Node): Body {
  let headEnd = holder.startIndex;
  for (const field of ["name", "parameters", "superclass"]) {
    headEnd = Math.max(headEnd, holder.childForFieldName(field)?.endIndex ?? 0);
  }
  return delimitedAt(headEnd, end.startIndex);
}

function expression(node: Node): Body {
  return { headEnd: node.startIndex, body: { start: node.startIndex, end: node.endIndex }, docstring: null };
}

/** Python: whole lines from the first that is not blank, so that replacing the body keeps the head; on the head's line, what is there. */
function byLines(holder: Node, block: Node, { text, lines }: BodyInput): Body {
  const headEnd = holder.children.find((it) => it.type === ":")?.endIndex ?? block.startIndex;
  let end = block.endIndex;
  while (end > block.startIndex && /\s/.test(text[end - 1] ?? "")) end--;
  let start = block.startIndex;
  if (lines.lineOf(start) !== lines.lineOf(headEnd)) {
    const first = text.indexOf("\n", headEnd) + 1;
    start = lines.startOfLine(first + text.slice(first, block.startIndex + 1).search(/\S/));
  }
  return { headEnd, body: { start, end: Math.max(start, end) }, docstring: docstringOf(block) };
}

function docstringOf(block: Node): Span | null {
  let first = block.firstNamedChild;
  while (first?.type === "comment") first = first.nextNamedSibling;
  const string = first?.type === "expression_statement" ? first.firstNamedChild : first;
  return string?.type === "string" ? { start: string.startIndex, end: string.endIndex } : null;
}
