import { randomUUID } from "node:crypto";
import type { RunEvent } from "../server/protocol/run.ts";

/** This window's tasks that run. */
export interface Runs {
  readonly count: number;
  begin(): OwnRun;
  /** Tickets of those whose draft is written and whose audit goes on. */
  drafted(): readonly string[];
  cancelAll(): void;
}

export interface OwnRun {
  readonly ticket: string;
  /** Fires when all are cancelled. */
  readonly signal: AbortSignal;
  hear(event: RunEvent): void;
  end(): void;
}

/** `onChange` hears when one begins or ends, when a draft is written, and when it is written anew. */
export function createRuns(onChange: () => void): Runs {
  const runs = new Map<string, { readonly controller: AbortController; isDrafted: boolean }>();
  return {
    get count() {
      return runs.size;
    },
    begin() {
      const ticket = randomUUID();
      const run = { controller: new AbortController(), isDrafted: false };
      runs.set(ticket, run);
      onChange();
      return {
        ticket,
        signal: run.controller.signal,
        hear({ kind }) {
          if (kind !== "drafted" && kind !== "retry") return;
          run.isDrafted = kind === "drafted";
          onChange();
        },
        end() {
          if (runs.delete(ticket)) onChange();
        },
      };
    },
    drafted: () => [...runs].flatMap(([ticket, { isDrafted }]) => (isDrafted ? [ticket] : [])),
    cancelAll() {
      for (const { controller } of runs.values()) controller.abort();
    },
  };
}
