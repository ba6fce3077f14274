import type { Node } from "web-tree-sitter";

export interface Complaint {
  readonly at: number;
  readonly message: string;
}

/** What a grammar lets pass though the language does not, as far as drafts are known to contain it. */
export interface Strict {
  /** Nodes to look at. */
  readonly types: ReadonlySet<string>;
  find(node: Node, text: string): readonly Complaint[];
}

/** Bodies that are missing, and lines indented unlike their neighbours. */
export const STRICT_PYTHON: Strict = {
  types: new Set(["module", "block"]),
  find(node, text) {
    const statements = node.namedChildren.filter((it) => it.type !== "comment" && !it.isError);
    if (node.type === "block" && statements.length === 0) {
      let at = node.startIndex;
      while (at > 0 && /\s/.test(text[at - 1] ?? "")) at--;
      return node.hasError ? [] : [{ at: Math.max(0, at - 1), message: "expected an indented block" }];
    }
    const own = statements.flatMap((it) => {
      const indent = indentBefore(text, it.startIndex);
      return indent === null ? [] : [{ at: it.startIndex, indent }];
    });
    const indent = node.type === "module" ? "" : own[0]?.indent;
    return own.filter((it) => it.indent !== indent).map((it) => ({ at: it.at, message: "unexpected indentation" }));
  },
};

/** An `end` too many, which the grammar takes for a name. */
export const STRICT_RUBY: Strict = {
  types: new Set(["program", "body_statement", "block_body", "then", "else"]),
  find: (node) =>
    node.namedChildren
      .filter((it) => it.type === "identifier" && it.text === "end")
      .map((it) => ({ at: it.startIndex, message: 'unexpected "end"' })),
};

/** A Markdown fence, which the grammar takes for a template that tags the next. */
export const STRICT_SCRIPT: Strict = {
  types: new Set(["call_expression"]),
  find(node) {
    const tag = node.firstChild;
    return tag?.type === "template_string" ? [{ at: tag.startIndex, message: 'unexpected "```"' }] : [];
  },
};

/** White space before `at` on its line; null when something else stands there. */
function indentBefore(text: string, at: number): string | null {
  let start = at;
  while (text[start - 1] === " " || text[start - 1] === "\t") start--;
  return start === 0 || text[start - 1] === "\n" ? text.slice(start, at) : null;
}
