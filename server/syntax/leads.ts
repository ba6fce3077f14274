import type { GrammarTable } from "./grammarTable.ts";
import type { Lines } from "./lines.ts";

interface Lead {
  readonly isMark: boolean;
  readonly start: number;
  readonly end: number;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The comments and marks (attributes, decorators) met so far, in document order, and which of them belong to what comes next.
 * By position, not by tree: grammars hang the comment before a member on different nodes.
 */
export interface Leads {
  add(type: string, start: number, end: number): void;
  /** Where a declaration whose node starts at `start` really starts, and its documentation comment. */
  before(start: number): { readonly start: number; readonly doc: Span | null };
}

export function createLeads(text: string, lines: Lines, table: GrammarTable): Leads {
  const leads: Lead[] = [];

  function isAloneOnLine(lead: Lead): boolean {
    return !/[^\s\uFEFF]/.test(text.slice(lines.startOfLine(lead.start), lead.start));
  }

  function before(nodeStart: number): { start: number; doc: Span | null } {
    let start = nodeStart;
    let doc: Span | null = null;
    let next = nodeStart;
    for (let at = leads.length - 1; at >= 0; at--) {
      const lead = leads[at] as Lead;
      if (lead.start >= next) continue;
      if (lead.end > next || /\S/.test(text.slice(lead.end, next))) break;
      if (lead.isMark) start = lead.start;
      else {
        if (!isAloneOnLine(lead) || lines.lineOf(lead.end) < lines.lineOf(next) - 1) break;
        const comment = text.slice(lead.start, lead.start + 4);
        const isDoc = table.doc?.test(comment) ?? false;
        if (doc && (!isDoc || isBlock(comment))) break;
        if (isDoc) doc = join(lead, doc);
      }
      next = lead.start;
    }
    return { start, doc };
  }

  return {
    add(type, start, end) {
      let trimmed = end;
      // Rust's doc comments end behind their line break.
      while (trimmed > start && (text[trimmed - 1] === "\n" || text[trimmed - 1] === "\r")) trimmed--;
      leads.push({ isMark: table.marks.has(type), start, end: trimmed });
    },
    before,
  };
}

function isBlock(comment: string): boolean {
  return comment.startsWith("/*") || comment.startsWith("<#");
}

function join(first: Span, rest: Span | null): Span {
  return { start: first.start, end: rest?.end ?? first.end };
}
