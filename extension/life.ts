import { afterDeath } from "./backoff.ts";
import type { ServerConnection } from "./connection.ts";

/** How the orchestrator is. `waiting`: it died and is started again in `delayMs`; `failed`: it died too often. */
export type OrchestratorState =
  | { readonly kind: "stopped" }
  | { readonly kind: "starting" }
  | { readonly kind: "running" }
  | { readonly kind: "waiting"; readonly reason: string; readonly delayMs: number }
  | { readonly kind: "failed"; readonly reason: string };

/** Owner of the server process: one at a time, started when asked for, and again some time after it died. */
export interface Life {
  readonly state: OrchestratorState;
  /** The connection there is, or is being made; null when nothing runs. */
  readonly current: Promise<ServerConnection> | null;
  /** Starts now, whatever the back-off says. */
  start(): Promise<ServerConnection>;
  stop(): Promise<void>;
  /** Deaths so far no longer count: the user asked for another try. */
  forgive(): void;
}

export interface LifeDeps {
  readonly open: () => Promise<ServerConnection>;
  readonly enter: (state: OrchestratorState) => void;
}

export function createLife({ open, enter }: LifeDeps): Life {
  let state: OrchestratorState = { kind: "stopped" };
  let current: Promise<ServerConnection> | null = null;
  let quickDeaths = 0;
  let timer: NodeJS.Timeout | undefined;
  const become = (next: OrchestratorState) => {
    state = next;
    enter(next);
  };
  const start = (): Promise<ServerConnection> => {
    clearTimeout(timer);
    become({ kind: "starting" });
    const startedMs = Date.now();
    const opening = open();
    current = opening;
    opening.then(
      (connection) => {
        if (current === opening) become({ kind: "running" });
        void connection.gone.then((reason) => died(opening, reason, startedMs));
      },
      (error: unknown) => died(opening, error instanceof Error ? error.message : String(error), startedMs),
    );
    return opening;
  };
  const died = (which: Promise<ServerConnection>, reason: string, startedMs: number) => {
    if (current !== which) return;
    current = null;
    const verdict = afterDeath(quickDeaths, Date.now() - startedMs);
    quickDeaths = verdict.quickDeaths;
    if (verdict.kind === "give-up") return become({ kind: "failed", reason });
    timer = setTimeout(() => void start().catch(() => undefined), verdict.delayMs);
    become({ kind: "waiting", reason, delayMs: verdict.delayMs });
  };
  return {
    get state() {
      return state;
    },
    get current() {
      return current;
    },
    start,
    async stop() {
      clearTimeout(timer);
      const stopping = current;
      current = null;
      become({ kind: "stopped" });
      await stopping?.then((it) => it[Symbol.asyncDispose]()).catch(() => undefined);
    },
    forgive() {
      quickDeaths = 0;
    },
  };
}
