import assert from "node:assert/strict";
import { TandemFailure } from "../../../extension/failure.ts";
import type { OrchestratorState } from "../../../extension/life.ts";
import { createFeed, type Source } from "../../../extension/sidebar/feed.ts";
import type { Status } from "../../../server/protocol/status.ts";
import type { ToSidebar } from "../../../webview/sidebar/messages.ts";
import { GB } from "../../fakes/statuses.ts";

/** A request that the feed has sent and that waits for its answer. */
export interface Sent {
  readonly method: string;
  readonly params: unknown;
  readonly signal: AbortSignal;
  readonly tell: (event: unknown) => void;
  readonly answer: (result: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** An orchestrator that does what the test says, and a feed of it. */
export function stage(first: OrchestratorState["kind"] = "running") {
  const states = new Set<(state: OrchestratorState) => void>();
  const statuses = new Set<(status: Status) => void>();
  let state = stateOf(first);
  const sent: Sent[] = [];
  const posted: ToSidebar[] = [];
  const reported: string[] = [];
  let readings = 0;
  const listen =
    <T>(all: Set<(it: T) => void>) =>
    (listener: (it: T) => void) => {
      all.add(listener);
      return { dispose: () => void all.delete(listener) };
    };
  const source: Source = {
    get state() {
      return state;
    },
    onDidChangeState: listen(states),
    onDidChangeStatus: listen(statuses),
    send: (definition, params, { onEvent, signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new TandemFailure("cancelled", "Cancelled", "")), { once: true });
        const { method } = definition;
        sent.push({
          method,
          params,
          signal,
          tell: (it) => onEvent?.(it as never),
          answer: resolve as never,
          fail: reject,
        });
      }),
  };
  const feed = createFeed({
    source: async () => source,
    nowMs: () => 5_000,
    machine: () => ({ busyPercent: ++readings, totalBytes: 32 * GB, freeBytes: GB }),
    post: (it) => posted.push(it),
    report: (it) => reported.push(it.message),
  });
  return {
    feed,
    sent,
    posted,
    reported,
    listeners: () => states.size + statuses.size,
    readings: () => readings,
    kinds: () => posted.splice(0).map((it) => it.kind),
    methods: () => sent.map((it) => it.method),
    of: (method: string) => {
      const found = sent.findLast((it) => it.method === method);
      assert.ok(found, `${method} was sent`);
      return found;
    },
    enter(kind: OrchestratorState["kind"]) {
      state = stateOf(kind);
      for (const it of states) it(state);
    },
    push(status: Status) {
      for (const it of statuses) it(status);
    },
  };
}

export function stateOf(kind: OrchestratorState["kind"]): OrchestratorState {
  if (kind === "waiting") return { kind, reason: "it was killed", delayMs: 100 };
  return kind === "failed" ? { kind, reason: "it was killed" } : { kind };
}
