import type { Action } from "../../protocol/run.ts";
import type { DraftJob } from "../prompt.ts";

/** A function that is to be written has some 25 lines, a set of tests twice that. */
const NEW_CODE = 900;
const NEW_TESTS = 1_800;
const NEW_COMMENT = 300;
/** Who answers with a whole piece of code makes it a little longer. */
const GROWTH = 1.15;
/** As in `estimateTokens`. */
const CHARACTERS_PER_TOKEN = 3.2;

/** How long a draft may become, in characters: a guess that pacing starts from and leaves behind where the draft outgrows it. */
export function expectedCharacters(
  action: Action,
  { place, maxTokens }: Pick<DraftJob, "place" | "maxTokens">,
): number {
  const replaced = (place?.before.length ?? 0) * GROWTH;
  const most = maxTokens * CHARACTERS_PER_TOKEN;
  return Math.min(most, Math.max(replaced, LEAST[action]));
}

const LEAST: Readonly<Record<Action, number>> = {
  docstring: NEW_COMMENT,
  implement: NEW_CODE,
  test: NEW_TESTS,
  fix: NEW_COMMENT,
  refactor: NEW_COMMENT,
  explain: NEW_CODE,
  ask: NEW_CODE,
};
