import { fenceReader } from "./extractFence.ts";
import { isBlank, type LineReader } from "./lineReader.ts";
import { indentOf } from "./text.ts";

/** How the lines of a comment look in the file. */
export interface CommentDress {
  readonly first: string;
  readonly prefix: string;
  readonly close: string;
  /** What follows the last line when there is more than one: Python's closing quotes have a line of their own then. */
  readonly afterLines: string;
}

/** How the model writes the comment: what each line may start with, and what ends it. */
interface Marks {
  readonly open: string;
  readonly line: string;
  readonly close: string;
}

/** The words of a comment, with or without the marks a model puts before each line, dressed in the file's own. */
export function commentReader(dress: CommentDress): LineReader {
  return reader(dress, { open: "", line: dress.prefix.trim(), close: dress.close });
}

/** Looks for a comment inside the fence, then reads on as such. */
export function fencedCommentReader(dress: CommentDress & { readonly open: string }): LineReader {
  const fence = fenceReader({ indent: "", unit: "", lexis: null }, "");
  const styles = stylesOf(dress);
  let inside: LineReader | null = null;
  return {
    afterLines: dress.afterLines,
    without: "",
    isBlank: (kept) => kept.trim() === dress.prefix.trim() || isBlank(kept),
    read(line) {
      const { keep, isLast } = fence.read(line);
      if (keep === null) return { keep, isLast };
      if (inside) return inside.read(keep);
      const words = keep.trim();
      const style = styles.find((it) => words.startsWith(it.open || it.line));
      if (!style) return { keep: null, isLast: false };
      inside = reader(dress, style);
      return inside.read(words.slice(style.open.length));
    },
  };
}

/** The language's own style first, then what models write in its place. */
function stylesOf({ open, prefix, close }: CommentDress & { readonly open: string }): Marks[] {
  const own: Marks = { open: open.trim(), line: prefix.trim(), close };
  const blocks: Marks[] = ["/**", "/*"].map((it) => ({ open: it, line: "*", close: "*/" }));
  if (own.line !== "") return [own, ...blocks];
  return [own, { ...own, open: `r${own.open}` }, { open: "'''", line: "", close: "'''" }];
}

function reader(dress: CommentDress, marks: Marks): LineReader {
  const own = dress.prefix.trim();
  let isFirst = true;
  /** Indentation of the second line: what stands deeper is meant to, such as the lines below Python's `Args:`. */
  let base: string | null = null;

  function undress(line: string): string {
    const bare = line.trim();
    if (isFirst || bare === "") return withoutMark(bare, marks.line).trim();
    if (marks.line !== "" && bare.startsWith(marks.line)) return withoutMark(bare, marks.line);
    base ??= indentOf(line);
    return line.startsWith(base) ? line.slice(base.length) : bare;
  }

  return {
    afterLines: dress.afterLines,
    without: "",
    isBlank: (kept) => kept.trim() === own || isBlank(kept),
    read(line) {
      if (marks.close === "" && !isFirst && !line.trim().startsWith(marks.line)) return { keep: null, isLast: true };
      const end = marks.close === "" ? -1 : line.indexOf(marks.close);
      const isLast = end !== -1;
      const words = undress(isLast ? line.slice(0, end) : line).trimEnd();
      if (words.trim() === "") return { keep: isFirst || isLast ? null : dress.prefix, isLast };
      const keep = `${isFirst ? dress.first : dress.prefix}${words}`;
      isFirst = false;
      return { keep, isLast };
    },
  };
}

function withoutMark(bare: string, mark: string): string {
  return mark !== "" && bare.startsWith(mark) ? bare.slice(mark.length).replace(/^ /, "") : bare;
}
