import { judgeAll, plantedDrafts, reportTable } from "../../server/cli/evalAgreement.ts";
import { reportOf } from "../../server/core/eval/agreement.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { type Errors, ruleAuditor } from "../fakes/ruleAuditor.ts";
import { startOrchestrator } from "../server/orchestrator.ts";

const NEVER = new AbortController().signal;

/** Verdicts of a scripted auditor on all planted drafts, by the orchestrator's own code behind its own door. */
export async function agreementOf(errors: Errors) {
  await using orchestrator = await startOrchestrator();
  await using auditor = await startFakeLlama({ reply: ruleAuditor(errors), slots: 4 });
  const client = await orchestrator.connect({ draft: { endpoint: auditor.url } });
  const send: Parameters<typeof judgeAll>[1]["send"] = (definition, params, onEvent) =>
    client.send(definition, params, { onEvent });
  return reportOf(await judgeAll(await plantedDrafts(), { send }, NEVER));
}

/** The table that `npm run bench:audit` ends with. */
export async function agreementTable(): Promise<string> {
  const careful = await agreementOf({ misses: 0, falseAlarms: 0 });
  const careless = await agreementOf({ misses: 0.25, falseAlarms: 0.01 });
  return [
    "Verdicts part by part against one on the whole draft (scripted auditor: rules over what its prompt shows)",
    reportTable(careful),
    "The same auditor when it misses a quarter of what it sees and takes one line in a hundred for wrong",
    reportTable(careless),
    "With models of your own: npm run tandem -- eval --agreement",
  ].join("\n");
}

if (import.meta.main) process.stdout.write(`${await agreementTable()}\n`);
