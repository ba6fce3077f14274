import { endProcess } from "../server/platform/processes.ts";
import { stop } from "../server/protocol/requests.ts";
import { readEndpoint } from "../server/rendezvous/endpoint.ts";
import { namesOf } from "../server/rendezvous/names.ts";
import type { Orchestrating, ServerConnection } from "./connection.ts";
import { TandemFailure } from "./failure.ts";

/** An orchestrator that has not gone by then hangs, and its process is ended. */
const STOP_MS = 4_000;
/** How long a process that is told to leave may take. */
const GRACE_MS = 1_000;

/** Ends the orchestrator for all its clients: asks it, and where that does not help ends its process. Rejects with TandemFailure. */
export async function endOrchestrator(connection: ServerConnection): Promise<void> {
  const hangs = AbortSignal.timeout(STOP_MS);
  const asked = connection.send({ definition: stop, params: { when: "now" }, onEvent: () => undefined, signal: hangs });
  asked.catch(() => undefined); // whether it goes is what counts
  const isGone = await Promise.race([connection.gone.then(() => true), fired(hangs).then(() => false)]);
  if (!isGone) await kill(connection.process);
}

/** Ends the orchestrator that clients would find; for when it does not even let them in. */
export async function endUnreachable(): Promise<void> {
  const endpoint = await readEndpoint(namesOf());
  if (endpoint) await kill(endpoint);
}

async function kill({ pid, startMark }: Orchestrating): Promise<void> {
  // Without a mark it may be a stranger who has got its number.
  if (startMark === null)
    throw new TandemFailure("timeout", `The orchestrator does not answer`, `End process ${pid}, then restart it again`);
  await endProcess(pid, startMark, { graceMs: GRACE_MS }, new AbortController().signal);
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
