import { isBlank, type LineReader } from "./lineReader.ts";
import { indentOf } from "./text.ts";

/** A line that opens or closes a block: its mark, and the name that only an opening one has. */
const FENCE = /^[ \t]*(`{3,}|~{3,})[ \t]*([^`]*)$/;

/** The first fenced block of an answer, its own indentation exchanged for `indent`. */
export function fenceReader(indent: string, without: string): LineReader {
  const shift = indentShifter(indent);
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
      if (isBlank(line)) return { keep: "", isLast: false };
      return { keep: shift(line), isLast: false };
    },
  };
}

/** One level of indentation in a file that has any. */
const LEAST_UNIT = 2;
const OPENS = /[{([:,>=&|+?]$/;
const GOES_ON = /^\s*[.?:&|+]/;

/** Moves lines so that the first stands at `indent`. Some models write all lines but the first as deep as the file has them. */
function indentShifter(indent: string): (line: string) => string {
  let first: string | null = null;
  let base: string | null = null;

  function isAsInFile(line: string, before: string): boolean {
    const unit = indent.startsWith("\t") ? 1 : LEAST_UNIT;
    const deeper = before.startsWith("/*") ? 1 : OPENS.test(before.trimEnd()) ? unit : 0;
    return (
      indent !== "" && indentOf(before) === "" && !GOES_ON.test(line) && indentOf(line).length >= indent.length + deeper
    );
  }

  return (line) => {
    if (first === null) {
      first = line;
      return indent + line.trimStart();
    }
    base ??= isAsInFile(line, first) ? indent : indentOf(first);
    return indent + (line.startsWith(base) ? line.slice(base.length) : line.trimStart());
  };
}
