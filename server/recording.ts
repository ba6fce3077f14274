import { z } from "zod";
import { TandemError } from "./errors.ts";
import type { Clock, Journal } from "./ports.ts";
import { type Decision, MOST_FALLBACKS } from "./protocol/decision.ts";
import type { Outcome } from "./protocol/decisions.ts";
import type { ClientInfo } from "./protocol/handshake.ts";
import type { RouteRecord } from "./protocol/routing.ts";
import type { RunEvent } from "./protocol/run.ts";
import type { Tally } from "./tally.ts";

/** Keeps in the journal what was decided for a client's requests, and what became of them, and has them counted. */
export interface Recording {
  /**
   * Runs the task, and writes down the decisions that its events tell of. What the next decision is made from is noted before: that goes
   * into the journal alone, and to no client.
   */
  record<Event extends { readonly kind: string }, T>(
    method: string,
    emit: (event: Event) => void,
    task: (emit: (event: Event) => void, note: Note) => Promise<T>,
  ): Promise<T>;
}

export type Note = (input: RouteRecord) => void;

export interface RecordingDeps {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly stamp: () => Pick<Decision, "id" | "atMs">;
  readonly tally: Tally;
  /** Label of the model that this engine of the client's has; null: there is no such engine any more. */
  readonly labelOf: (engine: string) => string | null;
}

/** `kind`: of the client whose requests these are; null: the HTTP door's. */
export function createRecording(kind: ClientInfo["kind"] | null, deps: RecordingDeps): Recording {
  const { journal, clock, tally, labelOf } = deps;
  const client = kind ?? "http";
  return {
    async record(method, emit, task) {
      const startedMs = clock.nowMs();
      const running = tally.began({ method: method.replace(/^tandem\//, ""), client });
      let model: string | null = null;
      let input: RouteRecord | null = null;
      const decided: string[] = [];
      // OpenAI's door tells its decision once the turn has come, which may be another engine's by then.
      const early: Seam["seam"][] = [];
      const told = createListener(method, deps);
      const cloud = createCloudWatch();
      const listening = (event: Parameters<typeof emit>[0]) => {
        running.told(event);
        const heard = told(event, input);
        cloud.hear(event, heard);
        const last = decided.at(-1);
        if (heard?.kind === "seam" && last === undefined) early.push(cloud.marked(heard.seam));
        if (heard?.kind === "seam" && last !== undefined) journal.fellBack(last, cloud.marked(heard.seam));
        if (heard?.kind === "decision") {
          decided.push(heard.decision.id);
          model = labelOf(heard.decision.engine) ?? heard.decision.model;
          const fallbacks = [...early.splice(0), ...heard.decision.fallbacks].slice(0, MOST_FALLBACKS);
          journal.decided({ ...heard.decision, client, fallbacks }, input);
          input = null;
        }
        emit(event);
      };
      const end = (outcome: Outcome) => {
        for (const id of decided) journal.ended(id, outcome);
      };
      try {
        const result = await task(listening, (noted) => {
          input = noted;
        });
        running.ended("ok", model ?? modelIn(result));
        end({ kind: "ok", totalMs: clock.nowMs() - startedMs });
        return result;
      } catch (error) {
        const code = error instanceof TandemError ? error.code : "bug";
        running.ended(code, model);
        end({ kind: "failed", code, totalMs: clock.nowMs() - startedMs });
        throw error;
      }
    },
  };
}

type Seam = Extract<RunEvent, { kind: "seam" }>;
type Decided = { readonly kind: "decision"; readonly decision: Decision };
type Told = Extract<RunEvent, { kind: "classified" | "routed" }> | Seam | Decided;

/** The decision an event tells of, or that another engine goes on; the main job's decision is told in two. */
function createListener(method: string, { stamp }: RecordingDeps) {
  let classified: Extract<RunEvent, { kind: "classified" }> | null = null;
  return (event: { readonly kind: string }, input: RouteRecord | null): Decided | Seam | null => {
    const told = event as Told;
    switch (told.kind) {
      case "decision":
      case "seam":
        return told;
      case "classified":
        classified = told;
        return null;
      case "routed": {
        const { draft, candidates, why } = told;
        const { engine, model, device } = draft;
        const { action = null, tier = null, confidence = null, why: taken = "" } = classified ?? {};
        const made = { ...stamp(), method, asked: "auto", client: null, after: null, fallbacks: [] };
        const where = { ...whereOf(engine, input), estimatedMs: draft.cost.totalMs };
        const task = { action, tier, confidence, taken };
        return { kind: "decision", decision: { ...made, engine, model, device, ...where, ...task, why, candidates } };
      }
      default:
        return null;
    }
  };
}

/** Tells the turns in the cloud that were decided for from those that others failing led to. */
function createCloudWatch() {
  let isAwaited = false;
  let isEntered = false;
  return {
    hear(event: { readonly kind: string }, heard: Decided | Seam | null): void {
      if (heard?.kind === "decision") {
        // A door's decision is told when its turn has come, the main job's before.
        isAwaited = heard.decision.isCloud && !isEntered;
        isEntered = false;
      } else if (event.kind === "cloud") {
        isEntered = !isAwaited;
        isAwaited = false;
      }
    },
    marked(seam: Seam["seam"]): Seam["seam"] {
      const isCloud = isEntered;
      isEntered = false;
      return isCloud ? { ...seam, isCloud } : seam;
    },
  };
}

function whereOf(id: string, input: RouteRecord | null): Pick<Decision, "backend" | "address" | "isCloud"> {
  const engine = input?.engines.find((it) => it.id === id);
  return { backend: engine?.backend ?? null, address: engine?.address ?? null, isCloud: engine?.isCloud ?? false };
}

const Answered = z.object({ model: z.object({ label: z.string() }) });

/** What answered a call that nothing was decided for. */
function modelIn(result: unknown): string | null {
  const { data } = Answered.safeParse(result);
  return data?.model.label ?? null;
}
