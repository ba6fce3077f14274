import { type Malformed, malformed, patched, sectionsOf } from "./sections.ts";

/** Kinds of faults that were planted into drafts. */
export const FAULTS = [
  "off-by-one",
  "unused-variable",
  "wrong-api",
  "missing-await",
  "unclosed-resource",
  "syntax",
] as const;
export type Fault = (typeof FAULTS)[number];

/** A draft to be audited, with what is known to be wrong with it. */
export interface PlantedDraft {
  /** "ledger", "ledger: off-by-one". */
  readonly id: string;
  readonly language: string;
  /** What the draft was to be. */
  readonly brief: string;
  readonly text: string;
  /** Null: nothing is, as far as we know. */
  readonly fault: { readonly kind: Fault; readonly line: number } | null;
}

/** The draft of a file as it should be, and once with each of its faults, which are diffs titled "kind: why". */
export function readPlanted(id: string, markdown: string): PlantedDraft[] | Malformed {
  const { facts, words: brief, blocks } = sectionsOf(markdown);
  const language = facts.get("language");
  const text = blocks.get("draft")?.trimEnd();
  if (!language || brief === "" || !text) return malformed("the language, the brief or the section draft is missing");
  const drafts: PlantedDraft[] = [{ id, language, brief, text, fault: null }];
  for (const [title, diff] of blocks) {
    if (title === "draft") continue;
    const kind = FAULTS.find((it) => title.startsWith(`${it}: `));
    if (!kind) return malformed(`"${title}" names none of ${FAULTS.join(", ")}`);
    const changed = patched(`${text}\n`, diff)?.trimEnd();
    if (changed === undefined) return malformed(`the old lines of "${title}" do not stand in the draft exactly once`);
    drafts.push({ id: `${id}: ${kind}`, language, brief, text: changed, fault: { kind, line: lineOf(text, changed) } });
  }
  return drafts;
}

/** The first line that differs, one-based. */
function lineOf(before: string, after: string): number {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const at = now.findIndex((line, index) => line !== old[index]);
  return (at < 0 ? now.length - 1 : at) + 1;
}
