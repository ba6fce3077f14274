import type { Lexis } from "./brackets.ts";
import { expressionReader, insideReader, statementReader } from "./extractCode.ts";
import { type CommentDress, commentReader, fencedCommentReader } from "./extractComment.ts";
import { fenceReader } from "./extractFence.ts";
import type { Indentation } from "./indent.ts";
import { byLine, isBlank, type LineReader, NOTHING_MORE } from "./lineReader.ts";
import { indentOf } from "./text.ts";

/** How a model's raw text becomes the draft as it will stand in the file. */
export type Extraction =
  /** The inside of a block, continued after its opening brace and `opened`; ends before the brace that closes it. */
  | { readonly kind: "braces"; readonly lexis: Lexis; readonly opened: string }
  /** The inside of an indented block; ends before the first line that is indented no deeper than `indent`. With `isMidLine` the first line was begun for the model. */
  | { readonly kind: "indented"; readonly indent: string; readonly isMidLine: boolean }
  /** One expression, which may go on in lines that start with an operator; ends before a semicolon, comma or bracket that is not its own. */
  | { readonly kind: "expression"; readonly lexis: Lexis }
  /** A statement begun for the model; ends with the line that closes all its brackets. */
  | { readonly kind: "statement"; readonly lexis: Lexis }
  /** The inside of a comment: the first line gets `first`, the others `prefix`; ends before `close`, or with a blank line when there is none. */
  | ({ readonly kind: "comment" } & CommentDress)
  /** A chat answer: the first fenced block, indented as the file is; `without` is left out at its end, because the file has it. */
  | ({ readonly kind: "fence"; readonly without: string } & Indentation)
  /** A chat answer that is to be a comment: the first comment in its fenced block, dressed anew. */
  | ({ readonly kind: "fencedComment"; readonly open: string } & CommentDress)
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
      return byLine(insideReader(extraction.lexis, extraction.opened));
    case "indented":
      return byLine(indentedReader(extraction.indent, extraction.isMidLine));
    case "expression":
      return byLine(expressionReader(extraction.lexis));
    case "statement":
      return byLine(statementReader(extraction.lexis));
    case "comment":
      return byLine(commentReader(extraction));
    case "fence":
      return byLine(fenceReader(extraction, extraction.without));
    case "fencedComment":
      return byLine(fencedCommentReader(extraction));
    case "prose":
      return { push: (raw) => raw, finish: () => "", isComplete: false };
  }
}

function indentedReader(indent: string, isMidLine: boolean): LineReader {
  let isBegun = isMidLine;
  return {
    ...NOTHING_MORE,
    isBlank,
    read(line) {
      const isOut = !isBegun && !isBlank(line) && indentOf(line).length <= indent.length;
      isBegun = false;
      return isOut ? { keep: null, isLast: true } : { keep: line, isLast: false };
    },
  };
}
