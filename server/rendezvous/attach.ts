import type { Socket } from "node:net";
import { basename } from "node:path";
import { TandemError, throwIfAborted } from "../errors.ts";
import { ensurePrivateFolder } from "../platform/privateFolder.ts";
import type { ClientInfo } from "../protocol/handshake.ts";
import { watchFolder } from "./changes.ts";
import type { Started } from "./launch.ts";
import { type Names, namesOf } from "./names.ts";
import { createStarter } from "./starter.ts";
import { type Visit, visit } from "./visit.ts";

const DEADLINE_MS = 20_000;
/** A busy machine may take its time. */
const ANSWER_MS = 5_000;

/** A connection to the orchestrator, which speaks LSP from its next byte on. */
export interface Attached {
  readonly socket: Socket;
  /** The orchestrator's package version, and its process. */
  readonly version: string;
  readonly pid: number;
  /** Tells that process from a later one with its number; null where the system does not say. */
  readonly startMark: string | null;
  readonly startedByUs: boolean;
}

export interface AttachDeps {
  readonly client: ClientInfo;
  /** By default those of this process's instance. */
  readonly names?: Names;
  /** Starts an orchestrator; called when there is none. */
  readonly start: () => Promise<Started>;
  readonly deadlineMs?: number;
}

/**
 * Finds this user's orchestrator, or starts it, or waits for the one another client is starting. Throws TandemError: not-configured
 * when it cannot be started, is of another make or its files are not ours alone; provider when it is full; shutting-down and
 * timeout at the deadline; cancelled.
 */
export async function attach(deps: AttachDeps, signal: AbortSignal): Promise<Attached> {
  const { client, names = namesOf(), start, deadlineMs = DEADLINE_MS } = deps;
  const endMs = performance.now() + deadlineMs;
  await ensurePrivateFolder(names.folder);
  const isOurs = new Set([names.endpoint, names.marker].map((path) => basename(path)));
  using changes = watchFolder(names.folder, (name) => isOurs.has(name));
  await using starter = createStarter({ names, start, onEnd: changes.report });
  let found: Visit | null = null;
  for (;;) {
    const limitMs = Math.min(ANSWER_MS, endMs - performance.now());
    if (limitMs <= 0) throw late(found, deadlineMs);
    found = await visit({ names, client, before: found, limitMs }, signal);
    if (found.kind === "attached") return attachedTo(found, starter.pid);
    if (found.kind === "absent") await starter.ensureStarted();
    await changes.next(signal);
    throwIfAborted(signal);
  }
}

/** Null when none runs, or the one that does is about to leave; none is started. Throws like `attach`, timeout when it does not answer. */
export async function attachIfRunning(
  { client, names = namesOf() }: Pick<AttachDeps, "client" | "names">,
  signal: AbortSignal,
): Promise<Attached | null> {
  const found = await visit({ names, client, before: null, limitMs: ANSWER_MS }, signal);
  if (found.kind === "silent") throw late(found, ANSWER_MS);
  return found.kind === "attached" ? attachedTo(found, null) : null;
}

function attachedTo({ socket, endpoint }: Extract<Visit, { kind: "attached" }>, ourPid: number | null): Attached {
  const { version, pid, startMark } = endpoint;
  return { socket, version, pid, startMark, startedByUs: pid === ourPid };
}

/** What to tell when the time is over: what was found last says why. */
function late(found: Visit | null, deadlineMs: number): TandemError {
  const seconds = Math.round(deadlineMs / 1_000);
  if (found?.kind === "leaving")
    return new TandemError(
      "shutting-down",
      `An orchestrator of version ${found.endpoint.version} is leaving and still has work to finish`,
      "Try again when its tasks are done, or run `tandem stop --now`",
      { details: { pid: found.endpoint.pid } },
    );
  if (found?.kind === "silent")
    return new TandemError(
      "timeout",
      `The orchestrator did not answer for ${seconds} seconds`,
      `End process ${found.endpoint.pid} and try again`,
      { details: { pid: found.endpoint.pid } },
    );
  return new TandemError(
    "timeout",
    `No orchestrator could be reached within ${seconds} seconds`,
    "Try again; if that does not help, look at the orchestrator's log in Tandem's state folder",
  );
}
