import { TandemError } from "./errors.ts";
import type { Log } from "./ports.ts";
import type { Moving } from "./protocol/service.ts";

/** A client as far as the orchestrator's own life depends on it. */
export interface Guest {
  /** Resolves when it has gone. */
  readonly gone: Promise<void>;
  /** Tells it, lets its running requests finish, refuses new ones, and then ends its connection. */
  drain(moving: Moving): void;
}

/** When the orchestrator leaves: some time after its last client did, or when it has been drained. */
export interface Life {
  enter(guest: Guest): void;
  readonly isDraining: boolean;
  /** Everybody is told; `over` resolves when the last one has gone, or broke off what took too long. Once is enough. */
  drain(moving: Moving): void;
  /** Resolves with the reason; never rejects. */
  readonly over: Promise<string>;
}

export interface LifeDeps {
  readonly log: Log;
  /** How long it stays without a client. */
  readonly graceMs: number;
  /** How long a draining orchestrator waits for what its clients still run. */
  readonly drainMs: number;
}

/**
 * Ten seconds without a client: long enough for a window that reloads or a shell loop of commands to find the models still loaded,
 * short enough not to stand in the way of an update of the editor whose binary runs it.
 */
export const GRACE_MS = 10_000;
/** Whoever started it needs a moment to connect, however short the grace time is. */
const FIRST_CLIENT_MS = 10_000;
/** One task takes 300 s at most; then it was broken off anyway. */
export const DRAIN_MS = 310_000;

/** A timer that is set to more fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

export function createLife({ log, graceMs, drainMs }: LifeDeps): Life {
  const guests = new Set<Guest>();
  const over = Promise.withResolvers<string>();
  let draining: Moving | null = null;
  let timer = wait("nobody came", Math.max(graceMs, FIRST_CLIENT_MS));

  function wait(why: string, ms: number): NodeJS.Timeout {
    return setTimeout(() => over.resolve(why), ms);
  }

  function left(guest: Guest): void {
    guests.delete(guest);
    log.info("client gone", { clients: guests.size });
    if (guests.size > 0) return;
    clearTimeout(timer);
    if (draining) over.resolve(draining.reason);
    else timer = wait("the last client has gone", graceMs);
  }

  return {
    over: over.promise,
    get isDraining() {
      return draining !== null;
    },
    enter(guest) {
      guests.add(guest);
      void guest.gone.then(() => left(guest));
      if (draining) guest.drain(draining);
      else clearTimeout(timer);
    },
    drain(moving) {
      if (draining) return;
      draining = moving;
      log.info("draining", { reason: moving.reason, clients: guests.size });
      clearTimeout(timer);
      if (guests.size === 0) return over.resolve(moving.reason);
      timer = wait(`${moving.reason}; what still ran was broken off`, drainMs);
      for (const it of guests) it.drain(moving);
    },
  };
}

/** `TANDEM_GRACE_MS`, where it is a number. */
export function graceMsFrom(env: Readonly<Record<string, string | undefined>>): number {
  const given = env.TANDEM_GRACE_MS;
  if (given === undefined || given === "") return GRACE_MS;
  const ms = Number(given);
  if (Number.isFinite(ms) && ms >= 0) return Math.min(ms, LONGEST_MS);
  throw new TandemError("bad-input", `TANDEM_GRACE_MS is "${given}"`, "Give milliseconds, or leave it out");
}
