import type { LogOutputChannel } from "vscode";
import { EventEmitter } from "vscode";
import type { AnyRequest, EventOf, ParamsOf, ResultOf } from "../server/protocol/define.ts";
import type { ClientSettings } from "../server/protocol/settings.ts";
import type { Status } from "../server/protocol/status.ts";
import { openConnection, type ServerConnection } from "./connection.ts";
import { deliver } from "./deliver.ts";
import { TandemFailure } from "./failure.ts";
import { createLife, type OrchestratorState } from "./life.ts";
import { endOrchestrator, endUnreachable } from "./restart.ts";

export interface SendOptions<Event> {
  readonly onEvent?: (event: Event) => void;
  readonly signal: AbortSignal;
}

/**
 * The orchestrator that all windows share, as this window sees it: found or started on first use, asked for again when it dies or
 * moves on, left alone when the window goes.
 */
export interface Orchestrator extends AsyncDisposable {
  readonly state: OrchestratorState;
  onDidChangeState(listener: (state: OrchestratorState) => void): { dispose(): void };
  onDidChangeStatus(listener: (status: Status) => void): { dispose(): void };
  /** Starts the orchestrator where needed, and asks the next one when it goes. Rejects with TandemFailure only. */
  send<R extends AnyRequest>(
    definition: R,
    params: ParamsOf<R>,
    options: SendOptions<EventOf<R>>,
  ): Promise<ResultOf<R>>;
  /** New settings for the one that runs, and for every later one. */
  configure(settings: ClientSettings): void;
  /** Ends it for all its clients, even when it hangs, and starts another. */
  restart(): Promise<void>;
}

export interface OrchestratorDeps {
  /** Absolute path of the server bundle. */
  readonly module: string;
  /** The package version. */
  readonly version: string;
  readonly output: LogOutputChannel;
  readonly settings: ClientSettings;
}

/** One that cannot be reached within this time, when it is to be restarted, hangs. */
const REACH_MS = 5_000;

export function createOrchestrator({ module, version, output, settings: first }: OrchestratorDeps): Orchestrator {
  const states = new EventEmitter<OrchestratorState>();
  const statuses = new EventEmitter<Status>();
  const closing = new AbortController();
  let settings = first;
  const life = createLife<ServerConnection>({
    open: () => {
      const onStatus = (status: Status) => statuses.fire(status);
      return openConnection({ module, version, output, settings, onStatus }, closing.signal);
    },
    enter: (state) => states.fire(state),
    chance: Math.random,
  });
  return {
    get state() {
      return life.state;
    },
    onDidChangeState: (listener) => states.event(listener),
    onDidChangeStatus: (listener) => statuses.event(listener),
    async send(definition, params, { onEvent = () => undefined, signal }) {
      if (closing.signal.aborted)
        throw new TandemFailure("shutting-down", "The window is closing", "Run it again afterwards");
      if (life.state.kind === "failed") life.forgive();
      const lines = { now: () => life.current ?? life.start(), next: () => life.next() };
      return await deliver({ definition, params, onEvent, signal }, lines);
    },
    configure(next) {
      settings = next;
      void life.current?.then(
        (it) => it.configure(next),
        () => undefined, // the next one begins with them
      );
    },
    async restart() {
      life.forgive();
      const before = life.connection;
      const opening = life.current ?? life.start();
      const reached = before ?? (await settled(opening, REACH_MS));
      if (!reached) await endUnreachable();
      else if (before || !reached.isNew) await endOrchestrator(reached);
      await (life.current ?? life.start());
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await life.stop();
      states.dispose();
      statuses.dispose();
    },
  };
}

/** The connection, once it is there; null when it cannot be had in time. */
async function settled(opening: Promise<ServerConnection>, limitMs: number): Promise<ServerConnection | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), limitMs);
  try {
    return await Promise.race([opening.catch(() => null), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
