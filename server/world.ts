import { createAffinity } from "./affinity.ts";
import type { GovernRules } from "./core/govern/rules.ts";
import { aborted } from "./errors.ts";
import { createKeeping } from "./keeping.ts";
import type { Log } from "./ports.ts";
import type { ClientInfo } from "./protocol/handshake.ts";
import type { Status } from "./protocol/status.ts";
import { createEnginePool, type EnginePool, type Membership } from "./scheduler.ts";
import { type ClientSession, createSession, type ServiceHandlers, type SharedParts } from "./session.ts";
import type { Devices } from "./slot/owner.ts";

export interface WorldDeps extends SharedParts {
  readonly version: string;
  readonly service: (session: ClientSession) => ServiceHandlers;
  /** What only the doors know. */
  readonly doors: () => Pick<Status, "http" | "isDraining">;
  /** The GPUs as they were last read. */
  readonly gpus: () => Pick<Status, "gpus" | "gpuSources">;
  /** Whether the engine with this key was loaded when the last orchestrator died and is to be loaded again; true once. */
  readonly wasResident: (key: string) => boolean;
  /** The memories that models can be in. */
  readonly devices: Devices & { main(): Status["mainMemory"] };
  /** By what is loaded, unloaded and let wait, at the moment. */
  readonly rules: () => GovernRules;
  readonly onResidents: (residents: ReturnType<EnginePool["resident"]>) => void;
}

export interface World extends AsyncDisposable {
  /** Begins a client's session; `log` is for what concerns it alone. `onStatus` hears of every change, with the engines as this client knows them. Null: the HTTP door, whose clients come and go. */
  connect(client: ClientInfo | null, onStatus: (status: Status) => void, log?: Log): ClientSession;
  /** Requests of all clients that run at the moment. */
  running(): number;
}

/** Readings come once a second; who follows them needs no more. */
const FOLLOW_MS = 1_000;

/** Nobody sees more than twenty changes a second, and with hundreds of short requests there would be a thousand. */
const TELL_MS = 50;

/** One client that is here. */
interface Visit {
  readonly client: ClientInfo | null;
  readonly session: ClientSession;
  readonly onStatus: (status: Status) => void;
  /** Requests of this client's that want readings as they come. */
  follows: number;
}

/** The orchestrator without its doors: every part wired to every other. */
export function createWorld(deps: WorldDeps): World {
  const visits = new Set<Visit>();
  const tellAll = atMostEvery(TELL_MS, () => {
    for (const { session, onStatus } of visits) onStatus(status(session.member));
  });
  const tell = oncePerTurn(() => {
    deps.onResidents(pool.resident());
    tellAll();
  });
  const affinity = createAffinity();
  const { governed: onGoverned, breaker: onBreaker } = deps.tally;
  const pool = createEnginePool({ ...deps, onChange: tell, onGoverned, onBreaker });
  const { log } = deps;
  const keeping = createKeeping(pool.join("background"), deps);
  const running = () => [...visits].reduce((sum, it) => sum + it.session.running(), 0);

  const status = (member: Membership): Status => ({
    pid: process.pid,
    version: deps.version,
    engines: member.status(),
    running: running(),
    clients: [...visits].flatMap(({ client, session }) =>
      client ? [{ ...client, running: session.running(), isYou: session.member === member }] : [],
    ),
    ...deps.gpus(),
    mainMemory: deps.devices.main(),
    ...deps.doors(),
  });

  const follow = createFollowing(visits, ({ session, onStatus }) => onStatus(status(session.member)));

  return {
    running,
    connect(client, onStatus, ownLog = log) {
      const onGone = () => void visits.delete(visit);
      const visit: Visit = {
        client,
        session: createSession({
          ...{ ...deps, log: ownLog, pool, affinity, status, client, onChange: tell, onGone },
          follow: (signal) => follow(visit, signal),
        }),
        onStatus,
        follows: 0,
      };
      visits.add(visit);
      tell();
      return visit.session;
    },
    async [Symbol.asyncDispose]() {
      keeping[Symbol.dispose]();
      await pool[Symbol.asyncDispose]();
    },
  };
}

/** However often it is called in one turn of the event loop. */
function oncePerTurn(act: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      act();
    });
  };
}

/** Acts at once, and again once the time is over where it was called meanwhile. */
function atMostEvery(ms: number, act: () => void): () => void {
  let state: "free" | "resting" | "called" = "free";
  const go = () => {
    act();
    state = "resting";
    setTimeout(() => {
      const wasCalled = state === "called";
      state = "free";
      if (wasCalled) go();
    }, ms).unref();
  };
  return () => {
    if (state === "free") go();
    else state = "called";
  };
}

/** Lets clients follow the readings. Nothing is read or sent for it while nobody does. */
function createFollowing(visits: ReadonlySet<Visit>, tell: (visit: Visit) => void) {
  let timer: NodeJS.Timeout | undefined;
  const tellAll = () => {
    for (const it of visits) if (it.follows > 0) tell(it);
  };
  return async (visit: Visit, signal: AbortSignal): Promise<never> => {
    visit.follows++;
    timer ??= setInterval(tellAll, FOLLOW_MS).unref();
    try {
      return await aborted(signal);
    } finally {
      visit.follows--;
      if ([...visits].every((it) => it.follows === 0)) {
        clearInterval(timer);
        timer = undefined;
      }
    }
  };
}
