import { TandemError } from "../errors.ts";
import { load } from "../protocol/engines.ts";
import type { RunEvent } from "../protocol/run.ts";
import type { EngineStatus } from "../protocol/status.ts";
import type { Client } from "./client.ts";
import type { Printer } from "./printer.ts";

export const LOAD_FLAGS = { wait: { type: "string" } } as const;

/** How long nothing new is heard before it is said that it still waits. */
const SAY_MS = 15_000;
/** A day: timers cannot count much further. */
const MOST_SECONDS = 86_400;

/** Seconds; null: as long as it takes. Throws TandemError bad-input. */
export function toWaitSeconds({ wait }: { readonly wait?: string | undefined }): number | null {
  if (wait === undefined) return null;
  const seconds = wait.trim() === "" ? Number.NaN : Number(wait);
  if (seconds > 0 && seconds <= MOST_SECONDS) return seconds;
  throw new TandemError(
    "bad-input",
    `--wait: "${wait}" is no number of seconds between 0 and ${MOST_SECONDS}`,
    "Leave it out to wait as long as it takes",
  );
}

export interface LoadWish {
  readonly engine: string;
  /** Null: as long as it takes, or until the signal fires. */
  readonly waitSeconds: number | null;
}

/**
 * Loads it, and says every so often that it still waits, and for what. Throws TandemError timeout once it has waited long enough; the
 * request is taken back then.
 */
export async function loadWaiting(
  { engine, waitSeconds }: LoadWish,
  { client, printer }: { readonly client: Pick<Client, "send">; readonly printer: Pick<Printer, "event"> },
  signal: AbortSignal,
): Promise<EngineStatus> {
  let waits: Extract<RunEvent, { kind: "waiting" }> | null = null;
  let elapsedMs = 0;
  const hear = (event: RunEvent) => {
    // Not what only says something about it.
    if (event.kind === "waiting") waits = event;
    else if (event.kind === "loading" || event.kind === "ready") waits = null;
    printer.event(event);
  };
  const says = setInterval(() => {
    elapsedMs += SAY_MS;
    if (waits) printer.event({ kind: "notice", message: stillWaits(waits, elapsedMs / 1_000) });
  }, SAY_MS);
  const enough = new AbortController();
  const limit = waitSeconds === null ? undefined : setTimeout(() => enough.abort(), waitSeconds * 1_000);
  try {
    return await client.send(load, { engine }, hear, AbortSignal.any([signal, enough.signal]));
  } catch (cause) {
    if (signal.aborted || !enough.signal.aborted) throw cause;
    throw tooLong(engine, waits, waitSeconds ?? 0, cause);
  } finally {
    clearInterval(says);
    clearTimeout(limit);
  }
}

type Waiting = Extract<RunEvent, { kind: "waiting" }>;

function stillWaits({ position, why }: Waiting, elapsedSeconds: number): string {
  const place = position === 1 ? "it is next" : `it is ${position} in line`;
  return `after ${elapsedSeconds} s it still waits, ${place}${why === undefined ? "" : `: ${why}`} (Ctrl-C ends this)`;
}

function tooLong(...[engine, waits, seconds, cause]: [string, Waiting | null, number, unknown]): TandemError {
  const why = waits?.why === undefined ? "" : `: ${waits.why}`;
  return new TandemError(
    "timeout",
    `${engine} was not loaded within ${seconds} s${why}`,
    "`tandem gpus` and `tandem status` say who holds the memory; free some, or let --wait be longer",
    { cause },
  );
}
