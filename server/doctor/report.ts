import type { ResultOf } from "../protocol/define.ts";
import type { doctor } from "../protocol/doctor.ts";
import type { ClientSettings } from "../protocol/settings.ts";
import type { Examination, FoundOrchestrator, Problem } from "./examination.ts";
import { examine } from "./examine.ts";
import { problemsOf } from "./problems.ts";
import { findings } from "./wording.ts";

/** The answer to `tandem/doctor`: by the orchestrator that is asked, of the machine it runs on. */
export async function reportOf(
  settings: ClientSettings,
  own: FoundOrchestrator,
  signal: AbortSignal,
): Promise<ResultOf<typeof doctor>> {
  const found = await examine(settings, () => own, signal);
  const problems = problemsOf(found);
  return { tier: found.tier, problems, markdown: markdownOf(found, problems) };
}

function markdownOf(found: Examination, problems: readonly Problem[]): string {
  const wrong = problems.flatMap((it) => [
    `- **${it.weight}**: ${plain(it.what)}`,
    `  Next step: ${plain(it.nextStep)}`,
  ]);
  const right = findings(found).flatMap(({ title, texts }) => [
    `## ${title}`,
    "",
    ...texts.map((it) => `- ${plain(it)}`),
    "",
  ]);
  const head = `Tandem ${found.version}, Node ${found.node}, ${found.system}`;
  return [
    "# This machine",
    "",
    head,
    "",
    "## Problems",
    "",
    ...(wrong.length > 0 ? wrong : ["None were found."]),
    "",
    ...right,
  ].join("\n");
}

/** Names of cards, programs and folders may hold anything. */
function plain(text: string): string {
  return text.trim().replace(/[\\`*_{}[\]<>#|]/g, "\\$&");
}
