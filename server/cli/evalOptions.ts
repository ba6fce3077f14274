import { resolve } from "node:path";
import { EVAL_MODES, type EvalMode } from "../core/eval/outcome.ts";
import { EVAL_LANGUAGES, type EvalLanguage } from "../core/eval/task.ts";
import { TandemError } from "../errors.ts";

/** Flags of `tandem eval` alone, as node:util's parseArgs wants them; it also takes --limit, --seed and --yes. */
export const EVAL_FLAGS = {
  languages: { type: "string" },
  modes: { type: "string" },
  tasks: { type: "string" },
  out: { type: "string" },
  agreement: { type: "boolean" },
} as const;

export interface EvalValues {
  readonly languages?: string | undefined;
  readonly modes?: string | undefined;
  readonly tasks?: string | undefined;
  readonly out?: string | undefined;
  readonly agreement?: boolean | undefined;
  readonly limit?: string | undefined;
  readonly seed?: string | undefined;
  readonly yes?: boolean | undefined;
}

export type EvalAsked =
  | {
      readonly kind: "run";
      readonly languages: readonly EvalLanguage[];
      readonly modes: readonly EvalMode[];
      /** Tasks of the user's own; null: those that come along. */
      readonly folder: string | null;
      /** Null: a new file among Tandem's own. */
      readonly out: string | null;
      readonly limit: number | null;
      readonly seed: number;
      readonly isAgreed: boolean;
    }
  | { readonly kind: "agreement"; readonly limit: number | null; readonly seed: number }
  | { readonly kind: "show"; readonly files: readonly string[] };

const MOST_LIMIT = 2_000;
const MOST_SEED = 2 ** 31 - 1;

/** What the arguments ask for. Throws TandemError bad-input that names the flag. */
export function toEval(words: readonly string[], values: EvalValues): EvalAsked {
  if (words[0] === "show") return toShow(words.slice(1), values);
  if (words.length > 0) throw wrong(`"eval" takes no "${words.join(" ")}"`);
  const limit = values.limit === undefined ? null : whole("--limit", values.limit, [1, MOST_LIMIT]);
  const seed = values.seed === undefined ? 1 : whole("--seed", values.seed, [0, MOST_SEED]);
  if (values.agreement) {
    const other = (["languages", "modes", "tasks", "out", "yes"] as const).find((it) => values[it] !== undefined);
    if (other) throw wrong(`--${other} says nothing with --agreement`);
    return { kind: "agreement", limit, seed };
  }
  return {
    kind: "run",
    languages: chosen("--languages", values.languages, EVAL_LANGUAGES),
    modes: chosen("--modes", values.modes, EVAL_MODES),
    folder: values.tasks === undefined ? null : resolve(values.tasks),
    out: values.out === undefined ? null : resolve(values.out),
    limit,
    seed,
    isAgreed: values.yes === true,
  };
}

function toShow(files: readonly string[], values: EvalValues): EvalAsked {
  const flag = Object.keys(EVAL_FLAGS).find((it) => values[it as keyof typeof EVAL_FLAGS] !== undefined);
  if (flag) throw wrong(`--${flag} says nothing to "eval show"`);
  if (files.length < 1 || files.length > 2) throw wrong('"eval show" takes a file of results, or two to compare');
  return { kind: "show", files: files.map((it) => resolve(it)) };
}

/** Without the flag all of them. */
function chosen<T extends string>(flag: string, text: string | undefined, all: readonly T[]): readonly T[] {
  if (text === undefined) return all;
  const names = text.split(",").map((it) => (it.trim() === "ts" ? "typescript" : it.trim()));
  const strange = names.find((name) => !all.some((it) => it === name));
  if (strange !== undefined) throw wrong(`${flag}: there is no "${strange}"; there are ${all.join(", ")}`);
  return all.filter((it) => names.includes(it));
}

function whole(flag: string, text: string, [least, most]: readonly [number, number]): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw wrong(`${flag}: "${text}" is no whole number from ${least} to ${most}`);
}

function wrong(message: string): TandemError {
  return new TandemError("bad-input", message, "See `tandem help eval`");
}
