import { randomUUID } from "node:crypto";
import type { Handlers } from "../../../handlers.ts";
import type { RunEvent } from "../../../protocol/run.ts";

/** The drafts of one editor that are written while their audits go on. */
export interface Drafts {
  /** A task's. */
  follow(): Followed;
  /** Ends the audits of all that are written; how many that were. */
  takeAll(signal: AbortSignal): Promise<number>;
}

/** Disposing ends it. */
export interface Followed extends Disposable {
  /** The name under which its audit can be ended; null: so many are followed that this one is not. */
  readonly ticket: string | null;
  hear(event: RunEvent): void;
}

/** Nobody waits for more at once; a session gives away no more than 64 tickets. */
const MOST_FOLLOWED = 32;

export function createDrafts(acceptNow: Handlers["acceptNow"]): Drafts {
  const followed = new Set<string>();
  const written = new Set<string>();
  return {
    follow() {
      if (followed.size >= MOST_FOLLOWED)
        return { ticket: null, hear: () => undefined, [Symbol.dispose]: () => undefined };
      const ticket = randomUUID();
      followed.add(ticket);
      return {
        ticket,
        hear({ kind }) {
          if (kind === "drafted") written.add(ticket);
          else if (kind === "retry") written.delete(ticket);
        },
        [Symbol.dispose]() {
          followed.delete(ticket);
          written.delete(ticket);
        },
      };
    },
    async takeAll(signal) {
      const tickets = [...written];
      written.clear();
      const ended = await Promise.all(
        tickets.map((ticket) => acceptNow({ ticket }, { emit: () => undefined, signal })),
      );
      return ended.filter((it) => it.isFound).length;
    },
  };
}
