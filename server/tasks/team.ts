import { findNamed } from "../core/openai/named.ts";
import type { CloudPermission, Route } from "../core/route.ts";
import type { Task } from "../core/task.ts";
import type { Emit } from "../slot/state.ts";
import { type Auditor, type AuditorInput, acquireAuditor } from "./auditor.ts";
import { type Carried, carry } from "./carried.ts";
import type { RunDeps } from "./deps.ts";
import { createFailover } from "./failover.ts";
import { oneAtATime } from "./oneAtATime.ts";
import { deadlineOf } from "./withCeiling.ts";

/** Who works on one task. Each outlives its engine, and where that takes the other's, they give way to each other. */
export interface Team {
  /** Throws TandemError where no engine can be had. */
  readonly draft: Promise<Carried>;
  /** Null: there is no audit, or nobody could be had for it. Never rejects. */
  readonly auditor: Promise<Auditor | null>;
}

export interface TeamInput extends Pick<AuditorInput, "isDraftShort" | "isDraftQueued" | "isDrafted" | "notice"> {
  readonly plan: Route;
  readonly task: Task;
  readonly cloud: CloudPermission | null;
  readonly deps: Pick<RunDeps, "scheduler" | "clock" | "settings">;
  readonly emit: Emit;
  /** Hears of the drafter's waiting. */
  readonly hear: Emit;
}

/** Asks for both at once. `until`: fires when nobody needs the auditor any more. */
export function gather(input: TeamInput, signal: AbortSignal, until: AbortSignal): Team {
  const { plan, task, cloud, hear, deps, ...given } = input;
  const scheduler = oneAtATime(deps.scheduler);
  const isNamed = task.model !== null && findNamed(scheduler.snapshot(), task.model, "write") !== null;
  const shared = {
    scheduler,
    need: { use: "write", pinned: isNamed ? task.model : null, isRelayOnly: false },
    cloud,
  } as const;
  const notice = given.notice;
  const carried = (lease: Carried["lease"], failover: ReturnType<typeof createFailover>) =>
    carry({ lease, failover, clock: deps.clock, deadlineMs: deadlineOf(deps), confined: "starts over" });

  const drafting = createFailover({
    ...shared,
    emit: noticed(hear, notice),
    work: "answers",
    holding: {
      lease: async () => ownOf(await auditor),
      giveUp: () => void auditor.then((it) => it?.[Symbol.dispose]()),
    },
  });
  const drafter = drafting.begin(plan.draft.engine, signal).then((it) => it.lease);
  const draft = drafter.then((lease) => carried(lease, drafting));
  draft.catch(() => undefined); // who waits for the draft hears of it
  const turn = acquireAuditor({ ...given, plan, drafter, scheduler }, AbortSignal.any([signal, until]));
  const auditor: Promise<Auditor | null> = turn.then(async (it) => {
    if (!it) return null;
    if (it.isShared) return auditorOf(await draft, it);
    const auditing = createFailover({
      ...shared,
      // An audit is no reason for anything to leave this machine.
      cloud: null,
      emit: noticed(given.emit, notice),
      work: "audits",
      holding: { lease: async () => (await draft).lease, giveUp: null },
    });
    return auditorOf(carried(it.lease, auditing), it);
  });
  return { draft, auditor };
}

/** What is noticed on the way is part of the result. */
function noticed(emit: Emit, notice: (message: string) => void): Emit {
  return (event) => (event.kind === "notice" ? notice(event.message) : emit(event));
}

function auditorOf(carried: Carried, turn: Pick<Auditor, "isShared">): Auditor {
  return {
    carried,
    get lease() {
      return carried.lease;
    },
    isShared: turn.isShared,
    // One that is shared is the draft's to give back.
    [Symbol.dispose]: () => (turn.isShared ? undefined : carried[Symbol.dispose]()),
  };
}

function ownOf(auditor: Auditor | null): Auditor["lease"] | null {
  return auditor && !auditor.isShared ? auditor.lease : null;
}
