import type { Finding, RunResult } from "../../server/protocol/run.ts";
import type { FileEdit } from "../../server/protocol/source.ts";
import type { Seam } from "../../server/protocol/traffic.ts";
import { lineAt, place, splice } from "./anchor.ts";

export type EditResult = Extract<RunResult, { kind: "edit" }>;

/** What a task proposes for one file. */
export interface FileProposal {
  readonly uri: string;
  readonly isNewFile: boolean;
  readonly edits: readonly FileEdit[];
  /** The text the edits were made against; "" for a new file. */
  readonly base: string;
}

/** A finding at a zero-based line of one proposed text. */
export interface PlacedFinding {
  readonly file: number;
  readonly line: number;
  readonly finding: Finding;
}

/** Where another engine went on, at a zero-based line of one proposed text. */
export interface PlacedSeam {
  readonly file: number;
  readonly line: number;
  readonly seam: Seam;
}

/** The edits by file, in the order in which the files first appear. */
export function byFile(edits: readonly FileEdit[], baseOf: (uri: string) => string): readonly FileProposal[] {
  const groups = Map.groupBy(edits, (it) => it.uri);
  return [...groups].map(([uri, group]) => ({
    uri,
    isNewFile: group.some((it) => it.isNewFile),
    edits: group,
    base: group.some((it) => it.isNewFile) ? "" : baseOf(uri),
  }));
}

/** The file's text with the proposal in it, or null when the file changed so that its place is not certain. */
export function proposedText(file: FileProposal, text: string): string | null {
  const splices = place(file.edits, file.base, text);
  return splices && splice(text, splices);
}

/**
 * Findings count lines of the draft; this finds the draft inside the proposed text. Where the draft was changed on its
 * way into the file, lines count from the first edit on, and never past its end.
 */
export function placeFindings(
  result: Pick<EditResult, "draft" | "findings">,
  files: readonly FileProposal[],
): readonly PlacedFinding[] {
  const home = homeOf(result.draft, files);
  return result.findings.map((finding) => ({
    file: home.file,
    line: Math.min(home.firstLine + finding.line - 1, home.lastLine),
    finding,
  }));
}

/** Seams count characters of the draft; each stands at the line in which the other engine's text begins. */
export function placeSeams(
  result: Pick<EditResult, "draft" | "seams">,
  files: readonly FileProposal[],
): readonly PlacedSeam[] {
  const home = homeOf(result.draft, files);
  return result.seams.map((seam) => ({
    file: home.file,
    line: Math.min(home.firstLine + lineAt(result.draft, seam.atCharacters), home.lastLine),
    seam,
  }));
}

function homeOf(draft: string, files: readonly FileProposal[]): { file: number; firstLine: number; lastLine: number } {
  const body = draft.trim();
  for (const [file, proposal] of files.entries()) {
    const text = proposedText(proposal, proposal.base) ?? "";
    const at = body === "" ? -1 : text.indexOf(body);
    if (at === -1) continue;
    const leading = lineAt(draft, draft.indexOf(body));
    return { file, firstLine: Math.max(0, lineAt(text, at) - leading), lastLine: lastLineOf(text) };
  }
  const first = files[0];
  const edit = first?.edits[0];
  if (!edit) return { file: 0, firstLine: 0, lastLine: 0 };
  const firstLine = edit.range.start.line;
  return { file: 0, firstLine, lastLine: firstLine + lastLineOf(edit.after) };
}

function lastLineOf(text: string): number {
  return text.replace(/\n+$/, "").split("\n").length - 1;
}
