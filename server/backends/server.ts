import type { Log } from "../ports.ts";
import type { Address } from "./address.ts";
import type { Connection } from "./connection.ts";
import type { Load } from "./load.ts";
import type { Trying } from "./retry.ts";
import type { Timing } from "./timing.ts";
import type { AnswerLimits } from "./watchdog.ts";

/** A server that is attached to, and how patient we are with it. */
export interface Server {
  readonly connection: Connection;
  readonly address: Address;
  readonly apiKey: string;
  readonly limits: AnswerLimits & { readonly retryBaseMs: number };
  readonly timing: Timing;
  readonly log: Log;
  readonly load: Load;
}

/** When one request, tries and waits included, has had its time; on `timing`. `wanted`: the caller's own. */
export function deadlineOf({ timing, limits }: Server, wanted: number | undefined): number {
  return Math.min(wanted ?? Number.POSITIVE_INFINITY, timing.nowMs() + limits.totalMs);
}

/** How much time a request has, and whether anybody else would answer it. */
interface Hurry {
  readonly deadlineMs: number;
  readonly hasSuccessor?: boolean | undefined;
}

/** How one request is tried there. */
export function patience(server: Server, { deadlineMs, hasSuccessor = false }: Hurry): Trying {
  const { timing, log, address, limits } = server;
  return { timing, log, host: address.host, baseMs: limits.retryBaseMs, deadlineMs, hasSuccessor };
}
