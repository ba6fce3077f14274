import type { Declaration, Outline } from "../ports.ts";
import type { FileEdit } from "../protocol/source.ts";
import type { Companion, Placement } from "./prompt.ts";
import type { Task } from "./task.ts";
import { compare, escaped } from "./text.ts";

/** All that is known of a draft when it is decided whether it may be offered. */
export interface Judged {
  readonly task: Task;
  readonly place: Placement;
  /** The test file, for `test`. */
  readonly companion: Companion | null;
  readonly edit: FileEdit;
  /** What the model itself wrote, without what was forced upon it. */
  readonly written: string;
  /** The text's outline before and after the edit. */
  readonly before: Outline;
  readonly after: Outline;
  /** The model was cut off. */
  readonly isCutOff: boolean;
}

/** The same declaration after the edit: of those with its name, the one in the same place among them. */
export function counterpart(declaration: Declaration, before: Outline, after: Outline): Declaration | null {
  const namesakes = (outline: Outline) => outline.declarations.filter((it) => it.name === declaration.name);
  const old = namesakes(before);
  const index = old.findIndex((it) => compare(it.range.start, declaration.range.start) === 0);
  const now = namesakes(after);
  return now[Math.max(0, index)] ?? now.at(-1) ?? null;
}

/** Whether the request speaks of a word, in the user's words or in a problem that is to be solved. */
export function isMentioned({ instruction, diagnostics }: Task, word: string): boolean {
  const pattern = new RegExp(`(?<![\\w$])${escaped(word)}(?![\\w$])`, "i");
  return [instruction, ...diagnostics.map((it) => it.message)].some((it) => pattern.test(it));
}
