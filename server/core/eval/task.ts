import { type Malformed, malformed, patched, sectionsOf } from "./sections.ts";

/** Languages that tasks can be in: those that run on nearly any machine. */
export const EVAL_LANGUAGES = ["typescript", "python", "rust"] as const;
export type EvalLanguage = (typeof EVAL_LANGUAGES)[number];

const KINDS = ["implement", "fix", "refactor"] as const;

/** One executable task: what is asked of a model, and tests that tell whether it was done. */
export interface EvalTask {
  /** Folder and file name: "python/basket". */
  readonly id: string;
  readonly language: EvalLanguage;
  readonly kind: (typeof KINDS)[number];
  /** Name of the file that is worked on; the tests import it by that name. */
  readonly file: string;
  /** The declaration that is to be changed. */
  readonly target: string;
  readonly instruction: string;
  /** The file as a model gets it. */
  readonly text: string;
  /** Never shown to a model. They fail for `text`. */
  readonly tests: string;
  /** The file solved; passes the tests. */
  readonly reference: string;
  /** The file solved wrongly, in ways that one meets; each fails. */
  readonly wrong: readonly { readonly why: string; readonly text: string }[];
}

/**
 * Reads one task from Markdown: a heading, a list of facts, the instruction, and sections `file`, `tests`, `reference` and `wrong: why`,
 * each with one fenced block. A wrong solution is a diff against the reference whose old lines stand there exactly once.
 */
export function readEvalTask(id: string, markdown: string): EvalTask | Malformed {
  const { facts, words: instruction, blocks } = sectionsOf(markdown);
  const language = EVAL_LANGUAGES.find((it) => it === facts.get("language"));
  const kind = KINDS.find((it) => it === facts.get("kind"));
  const file = facts.get("file") ?? "";
  const target = facts.get("target");
  const [text, tests, reference] = [blocks.get("file"), blocks.get("tests"), blocks.get("reference")];
  if (!language) return malformed(`language is none of ${EVAL_LANGUAGES.join(", ")}`);
  if (!kind) return malformed(`kind is none of ${KINDS.join(", ")}`);
  if (!/^\w[\w.-]*\.\w+$/.test(file)) return malformed("file is no plain file name");
  if (!target) return malformed("target is missing");
  if (instruction === "") return malformed("there is no instruction");
  if (!text || !tests || !reference) return malformed("the section file, tests or reference is missing or empty");
  const wrong: EvalTask["wrong"][number][] = [];
  for (const [title, diff] of blocks) {
    if (!title.startsWith("wrong: ")) continue;
    const changed = patched(reference, diff);
    if (changed === null) return malformed(`the old lines of "${title}" do not stand in the reference exactly once`);
    wrong.push({ why: title.slice("wrong: ".length), text: changed });
  }
  return { id, language, kind, file, target, instruction, text, tests, reference, wrong };
}
