import type { LogOutputChannel } from "vscode";
import { EventEmitter } from "vscode";
import type { AnyRequest, EventOf, ParamsOf, ResultOf } from "../server/protocol/define.ts";
import { statusChanged } from "../server/protocol/requests.ts";
import type { Settings } from "../server/protocol/settings.ts";
import type { Status } from "../server/protocol/status.ts";
import { afterDeath } from "./backoff.ts";
import { openConnection, type ServerConnection } from "./connection.ts";
import { cancelled, failureOf, stopped, TandemFailure } from "./failure.ts";
import { send } from "./requests.ts";

/** How the orchestrator is. `waiting`: it died and is started again in `delayMs`; `failed`: it died too often. */
export type OrchestratorState =
  | { readonly kind: "stopped" }
  | { readonly kind: "starting" }
  | { readonly kind: "running" }
  | { readonly kind: "waiting"; readonly reason: string; readonly delayMs: number }
  | { readonly kind: "failed"; readonly reason: string };

export interface SendOptions<Event> {
  readonly onEvent?: (event: Event) => void;
  readonly signal: AbortSignal;
}

/** The one orchestrator process of this window: started on first use, restarted when it dies, stopped with the window. */
export interface Orchestrator extends AsyncDisposable {
  readonly state: OrchestratorState;
  onDidChangeState(listener: (state: OrchestratorState) => void): { dispose(): void };
  onDidChangeStatus(listener: (status: Status) => void): { dispose(): void };
  /** Starts the orchestrator where needed. Rejects with TandemFailure only. */
  send<R extends AnyRequest>(
    definition: R,
    params: ParamsOf<R>,
    options: SendOptions<EventOf<R>>,
  ): Promise<ResultOf<R>>;
  /** New settings for the one that runs, and for every later one. */
  configure(settings: Settings): void;
  restart(): Promise<void>;
}

export interface OrchestratorDeps {
  /** Absolute path of the server bundle. */
  readonly module: string;
  readonly output: LogOutputChannel;
  readonly settings: Settings;
}

/** Owner of the server process and of its back-off. */
export function createOrchestrator({ module, output, settings: first }: OrchestratorDeps): Orchestrator {
  const states = new EventEmitter<OrchestratorState>();
  const statuses = new EventEmitter<Status>();
  let settings = first;
  let state: OrchestratorState = { kind: "stopped" };
  let current: Promise<ServerConnection> | null = null;
  let quickDeaths = 0;
  let timer: NodeJS.Timeout | undefined;
  let isDisposed = false;

  const enter = (next: OrchestratorState) => {
    state = next;
    states.fire(next);
  };

  const start = (): Promise<ServerConnection> => {
    clearTimeout(timer);
    enter({ kind: "starting" });
    const startedMs = Date.now();
    const opening = openConnection({ module, output, settings });
    current = opening;
    opening.then(
      (connection) => {
        if (current !== opening) return;
        connection.client.onNotification(statusChanged.method, (value: unknown) => {
          const status = statusChanged.params.safeParse(value);
          if (status.success) statuses.fire(status.data);
        });
        enter({ kind: "running" });
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
    if (verdict.kind === "give-up") return enter({ kind: "failed", reason });
    timer = setTimeout(() => void start().catch(() => undefined), verdict.delayMs);
    enter({ kind: "waiting", reason, delayMs: verdict.delayMs });
  };

  const stop = async () => {
    clearTimeout(timer);
    const stopping = current;
    current = null;
    enter({ kind: "stopped" });
    await stopping?.then((it) => it[Symbol.asyncDispose]()).catch(() => undefined);
  };

  return {
    get state() {
      return state;
    },
    onDidChangeState: (listener) => states.event(listener),
    onDidChangeStatus: (listener) => statuses.event(listener),
    async send(definition, params, { onEvent, signal }) {
      if (isDisposed) throw new TandemFailure("shutting-down", "The window is closing", "Run it again afterwards");
      if (state.kind === "failed") quickDeaths = 0;
      const connection = await orAborted(current ?? start(), signal);
      return await send(connection.client, definition, params, onEvent ?? (() => undefined), signal);
    },
    configure(next) {
      settings = next;
      void current
        ?.then((it) => it.client.sendNotification("workspace/didChangeConfiguration", { settings }))
        .catch(() => undefined);
    },
    async restart() {
      quickDeaths = 0;
      await stop();
      await start();
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await stop();
      states.dispose();
      statuses.dispose();
    },
  };
}

/** The connection, unless the user gives up first; a failed start is a failure the user can act on. */
async function orAborted(opening: Promise<ServerConnection>, signal: AbortSignal): Promise<ServerConnection> {
  if (signal.aborted) throw cancelled(signal.reason);
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(cancelled(signal.reason));
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([opening, aborted.promise]);
  } catch (error) {
    if (error instanceof TandemFailure) throw error;
    throw stopped(failureOf(error, null).message, error);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
