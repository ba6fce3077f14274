import type { Node, Tree } from "web-tree-sitter";
import type { Declaration } from "../ports.ts";
import { findBody } from "./body.ts";
import type { GrammarTable, Rule } from "./grammarTable.ts";
import { createLeads } from "./leads.ts";
import { createLines, type Lines } from "./lines.ts";
import { heldBy, nameOf, prototypeOf } from "./name.ts";
import { walk } from "./walk.ts";

interface Open {
  readonly kind: Declaration["kind"];
  readonly end: number;
}

/** Every declaration the table knows, in document order, outer before inner. */
export function findDeclarations(tree: Tree, text: string, table: GrammarTable): Declaration[] {
  const lines = createLines(text);
  const leads = createLeads(text, lines, table);
  const found: Declaration[] = [];
  const open: Open[] = [];
  const wrappers: (Node | null)[] = [];
  walk(tree, (cursor, depth) => {
    const type = cursor.nodeType;
    if (table.comments.has(type) || table.marks.has(type)) leads.add(type, cursor.startIndex, cursor.endIndex);
    wrappers[depth] = table.wrappers.has(type) ? cursor.currentNode : null;
    // A keyword's node has the keyword as its type: Ruby's `class` is the name of both.
    if (!Object.hasOwn(table.rules, type) || !cursor.nodeIsNamed) return true;
    while (open.length > 0 && (open.at(-1)?.end ?? 0) <= cursor.startIndex) open.pop();
    const declared = declare(cursor.currentNode, table.rules[type] as Rule, open.at(-1)?.kind ?? null, table);
    if (!declared) return true;
    const outer = outermost(declared.node, { wrappers, depth, table });
    const name = declared.name === "" ? nameOf(outer, ["declarator"]) : declared.name;
    const spans = measure({ ...declared, outer, text, lines, table });
    const { start, doc } = leads.before(outer.startIndex);
    const docSpan = doc ?? spans.docstring;
    found.push({
      kind: declared.kind,
      name: name === "" ? "(anonymous)" : name,
      range: lines.rangeOf(start, spans.end),
      headRange: lines.rangeOf(start, spans.headEnd),
      bodyRange: spans.body && lines.rangeOf(spans.body.start, spans.body.end),
      docRange: docSpan && lines.rangeOf(docSpan.start, docSpan.end),
      indent: indentAt(text, lines.startOfLine(start)),
      depth: open.length,
    });
    open.push({ kind: declared.kind, end: spans.end });
    return true;
  });
  return found;
}

interface Declared {
  readonly kind: Declaration["kind"];
  readonly name: string;
  readonly node: Node;
  /** The node that has the body: the function a variable holds, else the declaration itself. */
  readonly holder: Node;
  readonly rule: Rule;
}

/** What the node declares; null when it only looks like a declaration. */
function declare(node: Node, rule: Rule, around: Declaration["kind"] | null, table: GrammarTable): Declared | null {
  const name = () => (rule.fixedName === undefined ? nameOf(node, rule.name) : rule.fixedName);
  switch (rule.when) {
    case "value": {
      const value = heldBy(node, table);
      return value && { kind: value.kind, name: name(), node, holder: value.node, rule };
    }
    case "prototype":
      if (around === "function" || around === "method" || !prototypeOf(node)) return null;
      return { kind: around === "class" ? "method" : "function", name: name(), node, holder: node, rule };
    case "body":
      return node.childForFieldName("body") && { kind: rule.kind, name: name(), node, holder: node, rule };
    case "always": {
      const kind = rule.kind === "function" && around === "class" ? "method" : rule.kind;
      return { kind, name: name(), node, holder: node, rule };
    }
  }
}

interface Measured {
  readonly end: number;
  readonly headEnd: number;
  readonly body: { readonly start: number; readonly end: number } | null;
  readonly docstring: { readonly start: number; readonly end: number } | null;
}

function measure(
  it: Declared & { readonly outer: Node; readonly text: string; readonly lines: Lines; readonly table: GrammarTable },
): Measured {
  const found = findBody(it.holder, it.rule, it.kind, it);
  const isBlock = found !== null && it.rule.when !== "value" && (it.kind === "function" || it.kind === "method");
  let end = it.outer.endIndex;
  while (end > it.outer.startIndex && /\s/.test(it.text[end - 1] ?? "")) end--;
  if (!isBlock && it.text[end] === ";") end++;
  if (!found) return { end, headEnd: end, body: null, docstring: null };
  return { end, headEnd: found.headEnd, body: found.body, docstring: found.docstring };
}

/** The node with the `export`, decorators and keywords around it, as long as they are around nothing else. */
function outermost(
  node: Node,
  around: { wrappers: readonly (Node | null)[]; depth: number; table: GrammarTable },
): Node {
  let outer = node;
  for (let at = around.depth - 1; at >= 0; at--) {
    const wrapper = around.wrappers[at];
    if (!wrapper || !isOnly(wrapper, outer.type, around.table)) break;
    outer = wrapper;
  }
  return outer;
}

const MOST_CHILDREN_OF_A_WRAPPER = 50;

function isOnly(wrapper: Node, type: string, table: GrammarTable): boolean {
  if (wrapper.namedChildCount > MOST_CHILDREN_OF_A_WRAPPER) return false;
  return wrapper.namedChildren.filter((it) => it.type === type || Object.hasOwn(table.rules, it.type)).length === 1;
}

function indentAt(text: string, lineStart: number): string {
  let end = lineStart;
  while (text[end] === " " || text[end] === "\t") end++;
  return text.slice(lineStart, end);
}
