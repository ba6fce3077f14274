import type { Tree, TreeCursor } from "web-tree-sitter";

/**
 * Visits every node in document order, outer before inner; `visit` returns false to stop.
 * A loop, not recursion: generated and hostile files nest deeper than the stack.
 */
export function walk(tree: Tree, visit: (cursor: TreeCursor, depth: number) => boolean): void {
  const cursor = tree.walk();
  try {
    let depth = 0;
    for (;;) {
      if (!visit(cursor, depth)) return;
      if (cursor.gotoFirstChild()) {
        depth++;
        continue;
      }
      while (!cursor.gotoNextSibling()) {
        if (!cursor.gotoParent()) return;
        depth--;
      }
    }
  } finally {
    cursor.delete();
  }
}
