import { isBlank, type LineReader } from "./lineReader.ts";
import { indentOf } from "./text.ts";

/** A line that opens or closes a block: its mark, and the name that only an opening one has. */
const FENCE = /^[ \t]*(`{3,}|~{3,})[ \t]*([^`]*)$/;

/** The first fenced block of an answer, its own indentation exchanged for `indent`. */
export function fenceReader(indent: string): LineReader {
  let mark: string | null = null;
  let base: string | null = null;
  let nested = 0;

  /** As in CommonMark, a fence of the same mark closes; but a named one inside opens another, as models write it. */
  function closes(line: string): boolean {
    const [, found = "", name = ""] = FENCE.exec(line) ?? [];
    if (mark === null || !found.startsWith(mark)) return false;
    if (name.trim() !== "") nested++;
    else if (nested > 0) nested--;
    else return true;
    return false;
  }

  return {
    afterLines: "",
    isBlank,
    read(line) {
      if (mark === null) {
        mark = FENCE.exec(line)?.[1] ?? null;
        return { keep: null, isLast: false };
      }
      if (closes(line)) return { keep: null, isLast: true };
      if (isBlank(line)) return { keep: "", isLast: false };
      base ??= indentOf(line);
      return { keep: indent + (line.startsWith(base) ? line.slice(base.length) : line.trimStart()), isLast: false };
    },
  };
}
