import type { Declaration } from "../../ports.ts";
import type { SourceDocument } from "../../protocol/source.ts";
import type { Extraction } from "../extract.ts";
import type { DocStyle, LanguageFacts } from "../languages.ts";
import type { Placement } from "../prompt.ts";
import { beforeIndent, compare, indentOf, indentUnitOf, slice } from "../text.ts";

/** Where a declaration's doc comment goes and how its lines are dressed. */
export interface DocPlacement {
  readonly place: Placement;
  readonly lead: string;
  readonly tail: string;
  readonly extraction: Extract<Extraction, { kind: "comment" }>;
}

const PLAIN: DocStyle = { kind: "before", open: "/**", line: " * ", close: " */" };

/** A new comment before (or, in Python, inside) the declaration, or in the place of the one it has. */
export function placeDoc(document: SourceDocument, facts: LanguageFacts, declaration: Declaration): DocPlacement {
  const style = facts.doc ?? lineStyle(facts) ?? PLAIN;
  return style.kind === "inside" ? inside(document, declaration, style.quote) : before(document, declaration, style);
}

function lineStyle(facts: LanguageFacts): DocStyle | null {
  return facts.lineComment ? { kind: "before", open: null, line: `${facts.lineComment} `, close: null } : null;
}

function before(
  document: SourceDocument,
  declaration: Declaration,
  style: Extract<DocStyle, { kind: "before" }>,
): DocPlacement {
  const { indent, docRange } = declaration;
  const old = docRange && compare(docRange.start, declaration.range.start) < 0 ? docRange : null;
  const anchor = old?.start ?? declaration.range.start;
  const start = beforeIndent(document.text, anchor);
  const isMidLine = slice(document.text, { start: { line: anchor.line, character: 0 }, end: anchor }).trim() !== "";
  const range = { start, end: old?.end ?? start };
  const open = `${isMidLine ? "\n" : ""}${style.open === null ? "" : `${indent}${style.open}\n`}`;
  const close = style.close === null ? "" : `\n${indent}${style.close}`;
  const prefix = `${indent}${style.line}`;
  return {
    place: placement(document, range),
    lead: open,
    tail: `${close}${old ? "" : "\n"}${isMidLine && !old ? indent : ""}`,
    extraction: { kind: "comment", first: prefix, prefix, close: style.close?.trim() ?? "", afterLines: "" },
  };
}

function inside(document: SourceDocument, declaration: Declaration, quote: string): DocPlacement {
  const old = declaration.docRange;
  const body = declaration.bodyRange ?? declaration.range;
  const line =
    body.start.line > declaration.headRange.end.line ? (document.text.split("\n")[body.start.line] ?? "") : "";
  const indent = indentOf(line) || declaration.indent + indentUnitOf(document.text, "    ");
  const isOneLiner = body.start.line === declaration.headRange.end.line;
  const at = isOneLiner ? declaration.headRange.end : { line: body.start.line, character: 0 };
  return {
    place: placement(document, old ?? { start: at, end: isOneLiner ? body.start : at }),
    lead: old ? quote : isOneLiner ? `\n${indent}${quote}` : `${indent}${quote}`,
    tail: old ? quote : isOneLiner ? `${quote}\n${indent}` : `${quote}\n`,
    extraction: { kind: "comment", first: "", prefix: indent, close: quote, afterLines: `\n${indent}` },
  };
}

export function placement(document: SourceDocument, range: Placement["range"]): Placement {
  return {
    uri: document.uri,
    version: document.version,
    range,
    before: slice(document.text, range),
    isNewFile: false,
    text: document.text,
    languageId: document.languageId,
  };
}
