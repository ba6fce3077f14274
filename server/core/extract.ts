import { type Lexis, scanBrackets } from "./brackets.ts";
import { indentOf } from "./text.ts";

/** How a model's raw text becomes the draft as it will stand in the file. */
export type Extraction =
  /** The inside of a block, continued after its opening brace; ends before the brace that closes it. */
  | { readonly kind: "braces"; readonly lexis: Lexis }
  /** The inside of an indented block; ends before the first line that is indented no deeper than `indent`. With `isMidLine` the first line was begun for the model. */
  | { readonly kind: "indented"; readonly indent: string; readonly isMidLine: boolean }
  /** One expression; ends with its line, once all brackets are closed. */
  | { readonly kind: "expression"; readonly lexis: Lexis }
  /** A statement begun for the model with `depth` brackets open; ends with the line that closes them all. */
  | { readonly kind: "statement"; readonly lexis: Lexis; readonly opened: string }
  /** The inside of a comment: the first line gets `first`, the others `prefix`; ends before `close`, or with a blank line when there is none. */
  | { readonly kind: "comment"; readonly first: string; readonly prefix: string; readonly close: string }
  /** A chat answer: the first fenced block, moved to `indent`. */
  | { readonly kind: "fence"; readonly indent: string }
  /** A chat answer that is to be a comment: the first comment in its fenced block, dressed anew. */
  | {
      readonly kind: "fencedComment";
      readonly open: string;
      readonly first: string;
      readonly prefix: string;
      readonly close: string;
    }
  /** Markdown, as it comes. */
  | { readonly kind: "prose" };

export interface Extractor {
  /** Draft text that became certain with this raw text. */
  push(raw: string): string;
  /** The rest, when the model has ended. */
  finish(): string;
  /** True once nothing more can belong to the draft: generation may stop. */
  readonly isComplete: boolean;
}

/** Reads raw model text in pieces of any size; the pieces' sizes never change the outcome. */
export function createExtractor(extraction: Extraction): Extractor {
  switch (extraction.kind) {
    case "braces":
      return byLine(bracesReader(extraction.lexis));
    case "indented":
      return byLine(indentedReader(extraction.indent, extraction.isMidLine));
    case "expression":
      return byLine(closingReader(extraction.lexis, ""));
    case "statement":
      return byLine(closingReader(extraction.lexis, extraction.opened));
    case "comment":
      return byLine(commentReader(extraction));
    case "fence":
      return byLine(fenceReader(extraction.indent));
    case "fencedComment":
      return byLine(fencedCommentReader(extraction));
    case "prose":
      return prose();
  }
}

/** Reads one whole line (without its break): what to keep of it, or null to drop it; `isLast` ends the draft. */
interface LineReader {
  read(line: string): { keep: string | null; isLast: boolean };
  isBlank(kept: string): boolean;
}

function byLine(reader: LineReader): Extractor {
  let rest = "";
  let isComplete = false;
  let isFirst = true;
  let blanks: string[] = [];

  /** Blank lines are held back until something follows, so that a draft has none at its end. */
  function take(line: string): string {
    const { keep, isLast } = reader.read(line);
    isComplete = isLast;
    if (keep === null) return "";
    if (reader.isBlank(keep)) {
      if (!isFirst) blanks.push(keep.trimEnd());
      return "";
    }
    const text = [...blanks.map((it) => `\n${it}`), isFirst ? "" : "\n", keep.trimEnd()].join("");
    isFirst = false;
    blanks = [];
    return text;
  }

  return {
    push(raw) {
      if (isComplete) return "";
      const lines = (rest + raw.replaceAll("\r", "")).split("\n");
      rest = lines.pop() ?? "";
      let out = "";
      for (const line of lines) if (!isComplete) out += take(line);
      return out;
    },
    finish() {
      if (isComplete || rest === "") return "";
      const out = take(rest);
      isComplete = true;
      return out;
    },
    get isComplete() {
      return isComplete;
    },
  };
}

function bracesReader(lexis: Lexis): LineReader {
  const scanner = scanBrackets(lexis);
  return {
    isBlank,
    read(line) {
      const end = scanner.push(`${line}\n`);
      return end === -1 ? { keep: line, isLast: false } : { keep: line.slice(0, Math.max(0, end)), isLast: true };
    },
  };
}

function indentedReader(indent: string, isMidLine: boolean): LineReader {
  let isBegun = isMidLine;
  return {
    isBlank,
    read(line) {
      const isOut = !isBegun && line.trim() !== "" && indentOf(line).length <= indent.length;
      isBegun = false;
      return isOut ? { keep: null, isLast: true } : { keep: line, isLast: false };
    },
  };
}

function closingReader(lexis: Lexis, opened: string): LineReader {
  const scanner = scanBrackets(lexis);
  scanner.push(opened);
  return {
    isBlank,
    read(line) {
      const end = scanner.push(`${line}\n`);
      if (end !== -1) return { keep: line.slice(0, Math.max(0, end)), isLast: true };
      return { keep: line, isLast: scanner.depth === 0 && scanner.isInCode && line.trim() !== "" };
    },
  };
}

function commentReader({ first, prefix, close }: Extract<Extraction, { kind: "comment" }>): LineReader {
  const mark = prefix.trim();
  let isFirst = true;
  return {
    isBlank: (kept) => kept.trim() === mark || isBlank(kept),
    read(line) {
      const end = close === "" ? -1 : line.indexOf(close);
      let words = (end === -1 ? line : line.slice(0, end)).trim();
      if (mark !== "" && words.startsWith(mark)) words = words.slice(mark.length).trim();
      if (words === "")
        return { keep: isFirst || end !== -1 ? null : prefix, isLast: end !== -1 || (close === "" && !isFirst) };
      const keep = `${isFirst ? first : prefix}${words}`;
      isFirst = false;
      return { keep, isLast: end !== -1 };
    },
  };
}

function fenceReader(indent: string): LineReader {
  let state: "before" | "inside" = "before";
  let base: string | null = null;
  return {
    isBlank,
    read(line) {
      const isFence = /^\s*(```|~~~)/.test(line);
      if (state === "before") {
        if (isFence) state = "inside";
        return { keep: null, isLast: false };
      }
      if (isFence) return { keep: null, isLast: true };
      if (line.trim() === "") return { keep: "", isLast: false };
      base ??= indentOf(line);
      return { keep: indent + (line.startsWith(base) ? line.slice(base.length) : line.trimStart()), isLast: false };
    },
  };
}

/** Looks for the opening mark inside the fence, then reads on as a comment; without an opening mark every line bears the prefix. */
function fencedCommentReader(extraction: Extract<Extraction, { kind: "fencedComment" }>): LineReader {
  const fence = fenceReader("");
  const comment = commentReader({ ...extraction, kind: "comment" });
  const opening = extraction.open.trim() || extraction.prefix.trim();
  let isInside = false;
  return {
    isBlank: comment.isBlank,
    read(line) {
      const inFence = fence.read(line);
      if (inFence.keep === null) return inFence;
      const words = inFence.keep.trim();
      if (isInside)
        return extraction.close === "" && !words.startsWith(opening)
          ? { keep: null, isLast: true }
          : comment.read(words);
      if (!words.startsWith(opening)) return { keep: null, isLast: false };
      isInside = true;
      return comment.read(words.slice(extraction.open.trim().length));
    },
  };
}

function prose(): Extractor {
  return { push: (raw) => raw, finish: () => "", isComplete: false };
}

function isBlank(kept: string): boolean {
  return kept.trim() === "";
}
