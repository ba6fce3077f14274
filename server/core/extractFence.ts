import { createIndenter, type Indentation } from "./indent.ts";
import { isBlank, type LineReader } from "./lineReader.ts";

/** A line that opens or closes a block: its mark, and the name that only an opening one has. */
const FENCE = /^[ \t]*(`{3,}|~{3,})[ \t]*([^`]*)$/;

/** The first fenced block of an answer, its own indentation exchanged for the file's. */
export function fenceReader(indentation: Indentation, without: string): LineReader {
  const shift = createIndenter(indentation);
  let mark: string | null = null;
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
    without,
    isBlank,
    read(line) {
      if (mark === null) {
        mark = FENCE.exec(line)?.[1] ?? null;
        return { keep: null, isLast: false };
      }
      if (closes(line)) return { keep: null, isLast: true };
      return { keep: isBlank(line) ? "" : shift(line), isLast: false };
    },
  };
}
