import type { Action, Tier } from "../../protocol/run.ts";
import { compile, type Pattern } from "./rulePattern.ts";

/** What a user has laid down: requests that match mean this action, this tier, this model. What is left out is found as ever. */
export interface Rule {
  /** See `rulePattern.ts` for what of regular expressions is understood. */
  readonly pattern: string;
  readonly action?: Action | undefined;
  readonly tier?: Tier | undefined;
  readonly model?: string | undefined;
}

/** Compiling is a hundred times as long as matching, and settings stay. */
const compiled = new WeakMap<Rule, Pattern | { readonly wrong: string }>();

/** The first rule that matches. One whose pattern is not understood never does: `wrongRules` names it. */
export function ruleFor(rules: readonly Rule[], instruction: string): Rule | null {
  return rules.find((it) => patternOf(it).matches(instruction)) ?? null;
}

/** What is wrong with the rules' patterns, as sentences. */
export function wrongRules(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ pattern }) => {
    const made = compile(pattern);
    return "wrong" in made ? [`The pattern "${pattern}" of a rule is not used: ${made.wrong}`] : [];
  });
}

const NEVER: Pattern = { matches: () => false };

function patternOf(rule: Rule): Pattern {
  const known = compiled.get(rule) ?? compile(rule.pattern);
  compiled.set(rule, known);
  return "wrong" in known ? NEVER : known;
}
