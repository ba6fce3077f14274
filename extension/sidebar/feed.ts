import { decisions } from "../../server/protocol/decisions.ts";
import type { AnyRequest, ParamsOf, ResultOf } from "../../server/protocol/define.ts";
import { load, pin, unload } from "../../server/protocol/engines.ts";
import { gpuHistory } from "../../server/protocol/gpu.ts";
import { follow, status as statusRequest } from "../../server/protocol/requests.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import type { Status } from "../../server/protocol/status.ts";
import { resetBreaker } from "../../server/protocol/traffic.ts";
import type { Deed, Machine, Stage, ToSidebar } from "../../webview/sidebar/messages.ts";
import type { Orchestrator } from "../client.ts";
import { failureOf, type TandemFailure } from "../failure.ts";
import type { OrchestratorState } from "../life.ts";

/** The window's orchestrator, as far as the sidebar uses it. */
export type Source = Pick<Orchestrator, "state" | "onDidChangeState" | "onDidChangeStatus" | "send">;

export interface FeedDeps {
  /** Starts nothing. */
  readonly source: () => Promise<Source>;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Read anew with every status. */
  readonly machine: () => Machine;
  readonly post: (message: ToSidebar) => void;
  /** A deed failed that nobody sees in the sidebar. */
  readonly report: (failure: TandemFailure) => void;
}

/**
 * What the sidebar is told. Between `show` and `hide` it is told of every change; otherwise nothing is asked, followed or sent, and no
 * timer runs. Only what the user has asked to be done goes on.
 */
export interface Feed {
  show(): void;
  hide(): void;
  /** Finds the orchestrator, or starts it. */
  start(): Promise<void>;
  /** Resolves when it is done, was given up or has failed; which is told. */
  act(deed: Deed, engine: string): Promise<void>;
  cancel(engine: string): void;
  /** How far a task of this window is; null: it is over. */
  task(event: RunEvent | null): void;
  dispose(): void;
}

/** As many as the sidebar shows. */
const DECISIONS = 10;
const HISTORY_SECONDS = 100;

interface Doing {
  readonly deed: Deed;
  readonly abort: AbortController;
  stage: Stage;
}

export function createFeed(deps: FeedDeps): Feed {
  const doing = new Map<string, Doing>();
  let watching: AbortController | null = null;
  let task: Stage | null = null;
  const tell = (message: ToSidebar) => {
    if (watching) deps.post(message);
  };
  const hide = () => {
    watching?.abort();
    watching = null;
  };
  return {
    hide,
    show() {
      hide();
      watching = new AbortController();
      for (const [engine, { deed, stage }] of doing) tell({ kind: "doing", engine, deed, stage });
      tell({ kind: "task", stage: task });
      void watch(deps, watching.signal);
    },
    async start() {
      const { signal } = new AbortController();
      // Whatever comes of it, the orchestrator's state says so, and the log why.
      await (await deps.source()).send(statusRequest, {}, { signal }).catch(() => undefined);
    },
    async act(deed, engine) {
      if (doing.has(engine)) return;
      const it: Doing = { deed, abort: new AbortController(), stage: { kind: "asked" } };
      doing.set(engine, it);
      tell({ kind: "doing", engine, deed, stage: it.stage });
      const failure = await perform(await deps.source(), engine, it, (stage) => {
        it.stage = stage;
        tell({ kind: "doing", engine, deed, stage });
      });
      doing.delete(engine);
      tell({ kind: "done", engine, trouble: failure && { message: failure.message, nextStep: failure.nextStep } });
      if (failure && !watching) deps.report(failure);
    },
    cancel: (engine) => doing.get(engine)?.abort.abort(),
    task(event) {
      const stage = event && stageOf(event);
      // Most events say nothing of waiting, and then it is over.
      if (stage === null && task === null) return;
      task = stage;
      tell({ kind: "task", stage });
    },
    dispose() {
      hide();
      for (const it of doing.values()) it.abort.abort();
    },
  };
}

/** Null: it is done, or the user has given it up. */
async function perform(
  source: Source,
  engine: string,
  { deed, abort: { signal } }: Doing,
  onStage: (stage: Stage) => void,
): Promise<TandemFailure | null> {
  const onEvent = (event: RunEvent) => {
    const stage = stageOf(event);
    if (stage) onStage(stage);
  };
  try {
    if (deed === "load") await source.send(load, { engine }, { onEvent, signal });
    else if (deed === "reset") await source.send(resetBreaker, { engine }, { signal });
    else if (deed === "unload") await source.send(unload, { engine }, { signal });
    else await source.send(pin, { engine, isPinned: deed === "pin" }, { signal });
    return null;
  } catch (error) {
    const failure = failureOf(error, null);
    return failure.code === "cancelled" ? null : failure;
  }
}

function stageOf(event: RunEvent): Stage | null {
  switch (event.kind) {
    case "waiting":
      return { kind: "waiting", position: event.position, why: event.why ?? null };
    case "downloading":
      return { kind: "downloading", progress: event.progress };
    case "loading":
      return { kind: "loading", model: event.model };
    default:
      return null;
  }
}

/** Tells how the orchestrator is and, whenever it runs, all that it says; until the signal fires. */
async function watch(deps: FeedDeps, signal: AbortSignal): Promise<void> {
  const source = await deps.source();
  if (signal.aborted) return;
  let following = new AbortController();
  const enter = (state: OrchestratorState) => {
    following.abort();
    following = new AbortController();
    deps.post({ kind: "standing", standing: state });
    if (state.kind === "running") void followOne(source, deps, AbortSignal.any([signal, following.signal]));
  };
  const subscription = source.onDidChangeState(enter);
  signal.addEventListener("abort", () => subscription.dispose(), { once: true });
  enter(source.state);
}

/** One orchestrator, as long as it runs: its readings, what they were before, and its decisions again whenever a request ends. */
async function followOne(source: Source, deps: FeedDeps, signal: AbortSignal): Promise<void> {
  const ask = async <R extends AnyRequest>(definition: R, params: ParamsOf<R>, then: (result: ResultOf<R>) => void) => {
    try {
      const result = await source.send(definition, params, { signal });
      if (!signal.aborted) then(result);
    } catch (error) {
      const { code, message, nextStep } = failureOf(error, null);
      // One that is gone is told of by its state.
      if (!signal.aborted && code !== "stopped" && code !== "shutting-down" && code !== "cancelled")
        deps.post({ kind: "trouble", trouble: { message, nextStep } });
    }
  };
  const tellDecisions = () =>
    ask(decisions, { limit: DECISIONS }, (it) => deps.post({ kind: "decisions", decisions: it.decisions }));
  let running: number | null = null;
  const tellStatus = (status: Status) => {
    deps.post({ kind: "status", status, atMs: deps.nowMs(), machine: deps.machine() });
    if (running !== null && running !== status.running) void tellDecisions();
    running = status.running;
  };
  const subscription = source.onDidChangeStatus(tellStatus);
  signal.addEventListener("abort", () => subscription.dispose(), { once: true });
  deps.post({ kind: "trouble", trouble: null });
  void ask(follow, {}, () => undefined);
  await Promise.all([
    ask(gpuHistory, { seconds: HISTORY_SECONDS }, ({ gpus }) => {
      const points = gpus.map(({ uuid, samples }) => [
        uuid,
        samples.map(({ atMs, usedBytes, busyPercent }) => ({ atMs, usedBytes, busyPercent })),
      ]);
      deps.post({ kind: "history", points: Object.fromEntries(points) });
    }),
    ask(statusRequest, {}, tellStatus),
    tellDecisions(),
  ]);
}
