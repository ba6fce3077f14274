import type { LogOutputChannel } from "vscode";
import { EventEmitter } from "vscode";
import type { AnyRequest, EventOf, ParamsOf, ResultOf } from "../server/protocol/define.ts";
import { statusChanged } from "../server/protocol/requests.ts";
import type { Settings } from "../server/protocol/settings.ts";
import type { Status } from "../server/protocol/status.ts";
import { openConnection, type ServerConnection } from "./connection.ts";
import { cancelled, failureOf, stopped, TandemFailure } from "./failure.ts";
import { createLife, type OrchestratorState } from "./life.ts";
import { send } from "./requests.ts";

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

/** The life of the process, with requests, settings and the news it sends. */
export function createOrchestrator({ module, output, settings: first }: OrchestratorDeps): Orchestrator {
  const states = new EventEmitter<OrchestratorState>();
  const statuses = new EventEmitter<Status>();
  let settings = first;
  let isDisposed = false;
  const open = async (): Promise<ServerConnection> => {
    const connection = await openConnection({ module, output, settings });
    connection.client.onNotification(statusChanged.method, (value: unknown) => {
      const status = statusChanged.params.safeParse(value);
      if (status.success) statuses.fire(status.data);
    });
    return connection;
  };
  const life = createLife({ open, enter: (state) => states.fire(state) });
  return {
    get state() {
      return life.state;
    },
    onDidChangeState: (listener) => states.event(listener),
    onDidChangeStatus: (listener) => statuses.event(listener),
    async send(definition, params, { onEvent, signal }) {
      if (isDisposed) throw new TandemFailure("shutting-down", "The window is closing", "Run it again afterwards");
      if (life.state.kind === "failed") life.forgive();
      const connection = await orAborted(life.current ?? life.start(), signal);
      return await send(connection.client, definition, params, onEvent ?? (() => undefined), signal);
    },
    configure(next) {
      settings = next;
      const told = life.current?.then((it) =>
        it.client.sendNotification("workspace/didChangeConfiguration", { settings }),
      );
      // One that dies before it is told is started again with the new settings.
      void told?.catch(() => undefined);
    },
    async restart() {
      life.forgive();
      await life.stop();
      await (life.current ?? life.start());
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await life.stop();
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
