import type { Node } from "web-tree-sitter";
import type { GrammarTable } from "./grammarTable.ts";

const LONGEST_NAME = 200;
const MOST_HOPS = 20;

/** The name in the first of these fields (or children of these types), without quotes, scope or receiver; "" when there is none. */
export function nameOf(node: Node, keys: readonly string[]): string {
  for (const key of keys) {
    const child = childOf(node, key);
    if (child) return plain(innermost(child));
  }
  return "";
}

/** The child in a field, else the first of that type. */
export function childOf(node: Node, key: string): Node | null {
  return node.childForFieldName(key) ?? node.namedChildren.find((it) => it.type === key) ?? null;
}

/** The function or class a variable, property or assignment gives a name to. */
export function heldBy(node: Node, table: GrammarTable): { kind: "function" | "class"; node: Node } | null {
  let value = node.lastNamedChild;
  for (let hops = 0; value && WRAPPED.has(value.type) && hops < MOST_HOPS; hops++) {
    if (value.type === "expression_list" && value.namedChildCount !== 1) return null;
    value = value.firstNamedChild;
  }
  if (!value || !Object.hasOwn(table.values, value.type)) return null;
  const kind = table.values[value.type];
  return kind ? { kind, node: value } : null;
}

const WRAPPED = new Set(["parenthesized_expression", "satisfies_expression", "as_expression", "expression_list"]);

/** The function declarator of C's `static int *f(int)`; null when the node declares a variable, a function pointer's included. */
export function prototypeOf(node: Node): Node | null {
  let at = node.childForFieldName("declarator");
  for (let hops = 0; at && hops < MOST_HOPS; hops++) {
    if (at.type === "function_declarator")
      return at.childForFieldName("declarator")?.type === "parenthesized_declarator" ? null : at;
    if (!DECLARATORS.has(at.type)) return null;
    at = at.childForFieldName("declarator") ?? at.lastNamedChild;
  }
  return null;
}

const DECLARATORS = new Set(["pointer_declarator", "reference_declarator", "parenthesized_declarator"]);
const WHOLE = new Set(["operator_cast", "destructor_name", "operator_name"]);
const INWARD = ["declarator", "name", "property", "attribute", "type"];

/** From `Foo::bar`, `exports.bar` or `*bar(int)` to `bar`. */
function innermost(node: Node): Node {
  let at = node;
  for (let hops = 0; hops < MOST_HOPS && !WHOLE.has(at.type); hops++) {
    let inner: Node | null = null;
    if (DECLARATORS.has(at.type) || at.type === "expression_list") inner = at.lastNamedChild;
    for (const field of INWARD) inner ??= at.childForFieldName(field);
    if (!inner) break;
    at = inner;
  }
  return at;
}

function plain(node: Node): string {
  const text = node.text.slice(0, LONGEST_NAME).replace(/\s+/g, " ").trim();
  if (node.type === "operator_cast") return text.replace(/ ?\(.*$/, "");
  return /^(["'`]).*\1$/.test(text) ? text.slice(1, -1) : text;
}
