import type { Moving } from "../server/protocol/service.ts";
import { afterDeath } from "./backoff.ts";
import { stopped } from "./failure.ts";

/** How the orchestrator is. `waiting`: it died and is asked for again in `delayMs`; `failed`: it died too often. */
export type OrchestratorState =
  | { readonly kind: "stopped" }
  | { readonly kind: "starting" }
  | { readonly kind: "running" }
  | { readonly kind: "waiting"; readonly reason: string; readonly delayMs: number }
  | { readonly kind: "failed"; readonly reason: string };

/** A connection as far as its life goes. Neither promise rejects. */
export interface Mortal extends AsyncDisposable {
  /** Resolves when the orchestrator says that it is about to leave. It finishes what runs, and takes nothing new. */
  readonly moving: Promise<Moving>;
  /** Resolves with the reason, as a clause, when the connection has ended. */
  readonly gone: Promise<string>;
}

/** Owner of the connection to the orchestrator: made when asked for, and again after the orchestrator died or moved on. */
export interface Life<Connection extends Mortal> {
  readonly state: OrchestratorState;
  /** The one for new requests: there, or being made; null when there is none. */
  readonly current: Promise<Connection> | null;
  /** The one for new requests when it is there; null while it is being made. */
  readonly connection: Connection | null;
  /** Connects now, whatever the back-off says. */
  start(): Promise<Connection>;
  /** The current one, or the one that the back-off allows. Rejects when starting was given up. */
  next(): Promise<Connection>;
  /** Ends every connection, those too that only finish what runs. */
  stop(): Promise<void>;
  /** Deaths so far no longer count: the user asked for another try. */
  forgive(): void;
}

export interface LifeDeps<Connection> {
  readonly open: () => Promise<Connection>;
  readonly enter: (state: OrchestratorState) => void;
  /** At least 0 and less than 1. */
  readonly chance: () => number;
}

/** An orchestrator that moves on before this is one that died: nobody upgrades that fast. */
const SHORTEST_STAY_MS = 1_000;

export function createLife<Connection extends Mortal>(deps: LifeDeps<Connection>): Life<Connection> {
  const inside: Inside<Connection> = {
    ...deps,
    state: { kind: "stopped" },
    current: null,
    connection: null,
    awaited: null,
    living: new Set(),
    quickDeaths: 0,
  };
  return {
    get state() {
      return inside.state;
    },
    get current() {
      return inside.current;
    },
    get connection() {
      return inside.connection;
    },
    start: () => start(inside),
    next() {
      const { current, state } = inside;
      if (current) return current;
      if (state.kind === "failed") return Promise.reject(stopped(`The orchestrator keeps stopping (${state.reason})`));
      if (state.kind === "stopped") return start(inside);
      inside.awaited ??= Promise.withResolvers<Connection>();
      return inside.awaited.promise;
    },
    async stop() {
      clearTimeout(inside.timer);
      inside.current = null;
      inside.connection = null;
      become(inside, { kind: "stopped" });
      inside.awaited?.reject(stopped("The orchestrator was stopped"));
      inside.awaited = null;
      await Promise.allSettled([...inside.living].map(async (it) => (await it)[Symbol.asyncDispose]()));
    },
    forgive() {
      inside.quickDeaths = 0;
    },
  };
}

interface Inside<Connection> extends LifeDeps<Connection> {
  state: OrchestratorState;
  current: Promise<Connection> | null;
  connection: Connection | null;
  /** What those get who wait for the back-off. */
  awaited: PromiseWithResolvers<Connection> | null;
  /** The current one, and those that finish what they were asked before they moved on. */
  readonly living: Set<Promise<Connection>>;
  quickDeaths: number;
  timer?: NodeJS.Timeout;
}

function start<Connection extends Mortal>(inside: Inside<Connection>): Promise<Connection> {
  clearTimeout(inside.timer);
  become(inside, { kind: "starting" });
  const startedMs = Date.now();
  const opening = inside.open();
  inside.current = opening;
  inside.living.add(opening);
  opening.then(
    (connection) => {
      if (inside.current === opening) inside.connection = connection;
      if (inside.current === opening) become(inside, { kind: "running" });
      void connection.moving.then(({ message }) => moved(inside, opening, { reason: message, startedMs }));
      void connection.gone.then((reason) => died(inside, opening, { reason, startedMs }));
    },
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      died(inside, opening, { reason, startedMs });
    },
  );
  inside.awaited?.resolve(opening);
  inside.awaited = null;
  return opening;
}

interface End {
  readonly reason: string;
  readonly startedMs: number;
}

function moved<Connection extends Mortal>(inside: Inside<Connection>, which: Promise<Connection>, end: End): void {
  if (inside.current !== which) return;
  if (Date.now() - end.startedMs < SHORTEST_STAY_MS) bury(inside, end);
  else {
    inside.connection = null;
    // Whoever waits for it hears of a failure; otherwise the back-off takes over.
    void start(inside).catch(() => undefined);
  }
}

function died<Connection extends Mortal>(inside: Inside<Connection>, which: Promise<Connection>, end: End): void {
  inside.living.delete(which);
  if (inside.current === which) bury(inside, end);
}

function bury<Connection extends Mortal>(inside: Inside<Connection>, { reason, startedMs }: End): void {
  inside.current = null;
  inside.connection = null;
  const { quickDeaths: quickDeathsBefore, chance } = inside;
  const verdict = afterDeath({ quickDeathsBefore, livedMs: Date.now() - startedMs, chance: chance() });
  inside.quickDeaths = verdict.quickDeaths;
  if (verdict.kind === "give-up") become(inside, { kind: "failed", reason });
  else {
    inside.timer = setTimeout(() => void start(inside).catch(() => undefined), verdict.delayMs);
    become(inside, { kind: "waiting", reason, delayMs: verdict.delayMs });
  }
}

function become<Connection>(inside: Inside<Connection>, next: OrchestratorState): void {
  inside.state = next;
  inside.enter(next);
}
