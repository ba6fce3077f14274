import type { Declaration } from "../ports.ts";
import type { Strict } from "./strict.ts";

/** How a node of one type declares something. */
export interface Rule {
  readonly kind: Declaration["kind"];
  /** Fields or child types to look for the name in, the first that is there. None: the name is `fixedName`. */
  readonly name: readonly string[];
  readonly fixedName?: string;
  /** Fields or child types to look for the body in, the first that is there. Else the node's own braces. */
  readonly body: readonly string[];
  /**
   * `always`: the node is a declaration. `body`: only with one (`struct S x;` declares no S).
   * `value`: only when the value it gives a name to is a function or class; kind and body are that value's.
   * `prototype`: only outside functions and with a function's declarator (C's `int f(int);`).
   */
  readonly when: "always" | "body" | "value" | "prototype";
}

/** What declares things in one grammar, by node type. */
export interface GrammarTable {
  readonly rules: Readonly<Record<string, Rule>>;
  /** Values that make the variable holding them a declaration. */
  readonly values: Readonly<Record<string, "function" | "class">>;
  /** Nodes around a declaration that belong to it: `export`, decorators, `template <…>`, `const … ;`. */
  readonly wrappers: ReadonlySet<string>;
  /** Siblings before a declaration that belong to it: Rust's attributes, decorators of methods. */
  readonly marks: ReadonlySet<string>;
  readonly comments: ReadonlySet<string>;
  /** Which comment directly before a declaration documents it; null: its first string does. */
  readonly doc: RegExp | null;
  /** How a body is bounded: by brackets, by the node's own `end`, or by lines. */
  readonly bodies: "delimited" | "end" | "lines";
  readonly strict: Strict | null;
}
