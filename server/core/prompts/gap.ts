import type { Position, SourceDocument } from "../../protocol/source.ts";
import type { LanguageFacts } from "../languages.ts";
import type { Placement } from "../prompt.ts";
import { indentOf, offsetAt, positionAt } from "../text.ts";
import { placement } from "./docPlacement.ts";

/** Where new code goes, and the line breaks that set it off from what is there. */
export interface GapPlacement {
  readonly place: Placement;
  readonly lead: string;
  readonly tail: string;
  /** White space the new lines start with. */
  readonly indent: string;
}

/** New code on lines of its own: in the place of a blank line, else before or behind the line that `at` is on. */
export function placeGap(document: SourceDocument, at: Position, facts: LanguageFacts): GapPlacement {
  const { text } = document;
  const { start, end } = lineAround(text, offsetAt(text, at));
  const wanted = blankLines(facts.id) + 1;
  const before = text.slice(0, start);
  const after = text.slice(end);
  const isLast = after.trim() === "";
  const missing = wanted - breaksIn(/^\s*/.exec(after)?.[0]);
  return {
    place: placement(document, { start: positionAt(text, start), end: positionAt(text, end) }),
    lead: breaksToEnd(before, wanted),
    tail: isLast ? (after.includes("\n") ? "" : "\n") : "\n".repeat(Math.max(0, missing)),
    indent: indentOf(text.slice(start, end)),
  };
}

/** The line breaks that are missing so that new code stands apart from `text`. */
export function leadAfter(text: string, languageId: string): string {
  return breaksToEnd(text, blankLines(languageId) + 1);
}

function breaksToEnd(text: string, wanted: number): string {
  return text.trim() === "" ? "" : "\n".repeat(Math.max(0, wanted - breaksIn(/\s*$/.exec(text)?.[0])));
}

/** PEP 8 asks for two between functions. */
function blankLines(languageId: string): number {
  return languageId === "python" ? 2 : 1;
}

function breaksIn(space = ""): number {
  return space.split("\n").length - 1;
}

/** The whole line when it is blank; its end when `at` is in or behind its text; else its start. */
function lineAround(text: string, at: number): { start: number; end: number } {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const lineBreak = /\r?\n|$/g;
  lineBreak.lastIndex = at;
  const end = lineBreak.exec(text)?.index ?? text.length;
  if (text.slice(start, end).trim() === "") return { start, end };
  return text.slice(start, at).trim() === "" ? { start, end: start } : { start: end, end };
}
