import type { FoundOrchestrator } from "../../doctor/examination.ts";
import { examine } from "../../doctor/examine.ts";
import { problemsOf } from "../../doctor/problems.ts";
import { findingLines } from "../../doctor/wording.ts";
import { status } from "../../protocol/requests.ts";
import type { ClientSettings } from "../../protocol/settings.ts";
import { toFailure } from "../failure.ts";
import type { Out } from "../printer.ts";
import type { Site } from "../site.ts";

/** What there is, what would be done with it, and what is wrong. 1 when something does not work at all, so that scripts can ask. */
export async function doctor(given: DoctorGiven, site: Site, signal: AbortSignal): Promise<number> {
  const found = await examine(given.settings, (asked) => lookAtOrchestrator(site, asked), signal);
  const problems = problemsOf(found);
  const text = given.isJson
    ? JSON.stringify({ ...found, problems }, null, 2)
    : findingLines(found, problems).join("\n");
  given.out.write(`${text}\n`);
  return problems.some((it) => it.weight === "error") ? 1 : 0;
}

export interface DoctorGiven {
  readonly settings: ClientSettings;
  readonly isJson: boolean;
  readonly out: Out;
}

async function lookAtOrchestrator(site: Site, signal: AbortSignal): Promise<FoundOrchestrator> {
  try {
    const client = await site.clientIfRunning();
    if (!client) return { state: "none" };
    const { pid, version, engines, clients } = await client.send(status, {}, () => undefined, signal);
    // This command is one of its clients.
    const held = engines.flatMap((it) => it.memory);
    return { state: "running", pid, version, engines: engines.length, clients: clients.length - 1, held };
  } catch (error) {
    if (signal.aborted) throw error;
    const { message, nextStep } = toFailure(error);
    return { state: "unreachable", reason: message, nextStep };
  }
}
