import type { Settings } from "../../protocol/settings.ts";
import type { Out } from "../printer.ts";
import type { Site } from "../site.ts";
import { examine } from "./examine.ts";
import { problemsOf } from "./problems.ts";
import { findingLines } from "./wording.ts";

/** What there is, what would be done with it, and what is wrong. 1 when something does not work at all, so that scripts can ask. */
export async function doctor(given: DoctorGiven, site: Site, signal: AbortSignal): Promise<number> {
  const found = await examine(given.settings, site, signal);
  const problems = problemsOf(found);
  const text = given.isJson
    ? JSON.stringify({ ...found, problems }, null, 2)
    : findingLines(found, problems).join("\n");
  given.out.write(`${text}\n`);
  return problems.some((it) => it.weight === "error") ? 1 : 0;
}

export interface DoctorGiven {
  readonly settings: Settings;
  readonly isJson: boolean;
  readonly out: Out;
}
