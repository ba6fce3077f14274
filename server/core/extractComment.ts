import { fenceReader } from "./extractFence.ts";
import { isBlank, type LineReader } from "./lineReader.ts";
import { indentOf } from "./text.ts";

export interface CommentExtraction {
  readonly kind: "comment";
  readonly first: string;
  readonly prefix: string;
  readonly close: string;
  /** What follows the last line when there is more than one: Python's closing quotes have a line of their own then. */
  readonly afterLines: string;
}

/** The words of a comment, with or without the marks a model puts before each line, dressed in the file's own. */
export function commentReader({ first, prefix, close, afterLines }: Omit<CommentExtraction, "kind">): LineReader {
  const mark = prefix.trim();
  let isFirst = true;
  /** Indentation of the second line: what stands deeper is meant to, such as the lines below Python's `Args:`. */
  let base: string | null = null;

  function undress(line: string): string {
    const bare = line.trim();
    if (isFirst || bare === "") return withoutMark(bare, mark).trim();
    if (mark !== "" && bare.startsWith(mark)) return withoutMark(bare, mark);
    base ??= indentOf(line);
    return line.startsWith(base) ? line.slice(base.length) : bare;
  }

  return {
    afterLines,
    isBlank: (kept) => kept.trim() === mark || isBlank(kept),
    read(line) {
      if (close === "" && !isFirst && !line.trim().startsWith(mark)) return { keep: null, isLast: true };
      const end = close === "" ? -1 : line.indexOf(close);
      const isLast = end !== -1;
      const text = isLast ? line.slice(0, end) : line;
      const words = undress(text).trimEnd();
      if (words.trim() !== "") {
        const keep = `${isFirst ? first : prefix}${words}`;
        isFirst = false;
        return { keep, isLast };
      }
      return { keep: isFirst || isLast ? null : prefix, isLast };
    },
  };
}

function withoutMark(bare: string, mark: string): string {
  return mark !== "" && bare.startsWith(mark) ? bare.slice(mark.length).replace(/^ /, "") : bare;
}

/** Looks for the opening mark inside the fence, then reads on as a comment. */
export function fencedCommentReader(
  extraction: Omit<CommentExtraction, "kind"> & { readonly open: string },
): LineReader {
  const fence = fenceReader("");
  const comment = commentReader(extraction);
  const open = extraction.open.trim();
  const opening = open || extraction.prefix.trim();
  let isInside = false;
  return {
    afterLines: extraction.afterLines,
    isBlank: comment.isBlank,
    read(line) {
      const { keep, isLast } = fence.read(line);
      if (keep === null) return { keep, isLast };
      const words = keep.trim();
      if (isInside) return comment.read(keep);
      if (!words.startsWith(opening)) return { keep: null, isLast: false };
      isInside = true;
      return comment.read(words.slice(open.length));
    },
  };
}
