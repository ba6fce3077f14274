import { TandemError } from "./errors.ts";
import type { Clock, Journal } from "./ports.ts";
import type { Decision } from "./protocol/decision.ts";
import type { Outcome } from "./protocol/decisions.ts";
import type { ClientInfo } from "./protocol/handshake.ts";
import type { RunEvent } from "./protocol/run.ts";

/** Keeps in the journal what was decided for a client's requests, and what became of them. */
export interface Recording {
  /** Runs the task, and writes down the decisions that its events tell of. */
  record<Event extends { readonly kind: string }, T>(
    method: string,
    emit: (event: Event) => void,
    task: (emit: (event: Event) => void) => Promise<T>,
  ): Promise<T>;
}

export interface RecordingDeps {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly stamp: () => Pick<Decision, "id" | "atMs">;
}

/** `kind`: of the client whose requests these are; null: the HTTP door's. */
export function createRecording(kind: ClientInfo["kind"] | null, deps: RecordingDeps): Recording {
  const { journal, clock } = deps;
  return {
    async record(method, emit, task) {
      const startedMs = clock.nowMs();
      const decided: string[] = [];
      const told = createListener(method, deps);
      const listening = (event: Parameters<typeof emit>[0]) => {
        const decision = told(event);
        if (decision) {
          decided.push(decision.id);
          journal.decided({ ...decision, client: kind ?? "http" });
        }
        emit(event);
      };
      const end = (outcome: Outcome) => {
        for (const id of decided) journal.ended(id, outcome);
      };
      try {
        const result = await task(listening);
        end({ kind: "ok", totalMs: clock.nowMs() - startedMs });
        return result;
      } catch (error) {
        const code = error instanceof TandemError ? error.code : "bug";
        end({ kind: "failed", code, totalMs: clock.nowMs() - startedMs });
        throw error;
      }
    },
  };
}

type Told = Extract<RunEvent, { kind: "classified" | "routed" }> | { kind: "decision"; decision: Decision };

/** The decision an event tells of; the main job's is told in two. */
function createListener(method: string, { stamp }: RecordingDeps) {
  let classified: Extract<RunEvent, { kind: "classified" }> | null = null;
  return (event: { readonly kind: string }): Decision | null => {
    const told = event as Told;
    switch (told.kind) {
      case "decision":
        return told.decision;
      case "classified":
        classified = told;
        return null;
      case "routed": {
        const { draft, candidates, why } = told;
        const { engine, model, device } = draft;
        const { action = null, tier = null } = classified ?? {};
        const made = { ...stamp(), method, asked: "auto", client: null };
        return { ...made, engine, model, device, action, tier, why, candidates };
      }
      default:
        return null;
    }
  };
}
