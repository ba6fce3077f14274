import { type Affinity, remembering } from "./affinity.ts";
import { benchHandlers } from "./benching.ts";
import type { Hardware } from "./core/choose.ts";
import type { Privacy } from "./core/cloud.ts";
import type { Priority } from "./core/govern/event.ts";
import { listCatalogue, pullModel } from "./fetching.ts";
import type { Handlers, Session } from "./handlers.ts";
import type { CatalogueEntry } from "./models/catalogue.ts";
import type { Needs } from "./needs/needs.ts";
import { askingParts } from "./pinning.ts";
import { createPlacing } from "./placing.ts";
import type { AskReach, Clock, Files, Journal, Log, ModelStore, OpenEngine, Syntax } from "./ports.ts";
import type { AnyRequest, EventOf, ResultOf } from "./protocol/define.ts";
import type { ClientInfo } from "./protocol/handshake.ts";
import { requests } from "./protocol/requests.ts";
import type { Settings } from "./protocol/settings.ts";
import type { Status } from "./protocol/status.ts";
import { type RatedDeps, rated } from "./rates/rated.ts";
import { createRecording, type Note } from "./recording.ts";
import type { Registry } from "./registry/registry.ts";
import type { EnginePool, Membership } from "./scheduler.ts";
import { folderOf, withinFolders } from "./scope.ts";
import type { Tally } from "./tally.ts";
import type { OpenAiDeps, RunDeps, Stamp } from "./tasks/deps.ts";
import { createTickets } from "./tasks/tickets.ts";

/** What all sessions work with. */
export interface SharedParts extends Pick<RunDeps, "draw"> {
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  /** Counts what happens. */
  readonly tally: Tally;
  /** A new name that nothing else has, and the time on the wall. */
  readonly stamp: () => Stamp;
  readonly syntax: Syntax;
  readonly files: Files;
  readonly privacy: Privacy;
  readonly store: ModelStore;
  readonly catalogue: readonly CatalogueEntry[];
  readonly openEngine: OpenEngine;
  readonly reach: AskReach;
  readonly needs: Needs;
  /** How fast models were found to be here. */
  readonly rates: RatedDeps;
  readonly registry: Registry;
  /** What this machine has and what is wrong with it, by these settings. */
  readonly doctor: (settings: Settings, signal: AbortSignal) => Promise<ResultOf<typeof requests.doctor>>;
  /** What was read of the GPUs in the last so many seconds. */
  readonly gpuHistory: (seconds: number) => Promise<ResultOf<typeof requests.gpuHistory>>;
  /** Asked when first needed, so that the start does not wait for a driver. */
  readonly hardware: () => Promise<Hardware>;
  /** Calls when GPUs were found that were not there, or could not be read, when it was asked. */
  readonly onHardware: (listener: () => void) => Disposable;
}

export interface SessionDeps extends SharedParts {
  readonly pool: EnginePool;
  readonly affinity: Affinity;
  /** Null: the HTTP door, whose clients share the session. */
  readonly client: ClientInfo | null;
  readonly status: (member: Membership) => Status;
  /** Sends this client readings as they come, until the signal fires; then it throws. */
  readonly follow: (signal: AbortSignal) => Promise<never>;
  /** A request of this client began or ended. */
  readonly onChange: () => void;
  readonly onGone: () => void;
  /** What concerns the whole orchestrator and its doors. */
  readonly service: (session: ClientSession) => ServiceHandlers;
}

export type ServiceHandlers = Pick<Handlers, "serve" | "rotateKey" | "stop" | "builds" | "getBuild">;

/** A session as the world sees it. */
export interface ClientSession extends Session {
  readonly settings: Settings;
  readonly member: Membership;
  /** Requests that run at the moment. */
  running(): number;
  /** Hears of this client's settings now and at every change. */
  follow(listener: (settings: Settings) => void): Disposable;
}

/** One client's settings, workspace and share in the engines, and the handlers that work with them. */
export function createSession(deps: SessionDeps): ClientSession {
  const member = rated(remembering(deps.pool.join(priorityOf(deps.client)), deps.affinity), deps.rates);
  const [followers, tickets] = [createFollowers(), createTickets()];
  const placing = createPlacing(member, deps, followers.tell);
  let folders: readonly string[] = [];
  let running = 0;
  const labelOf = (engine: string) => member.snapshot().find((it) => it.id === engine)?.model.label ?? null;
  const recording = createRecording(deps.client?.kind ?? null, { ...deps, labelOf });
  const counted: Work["counted"] = async (task) => {
    running++;
    try {
      await placing.done();
      return await task();
    } finally {
      running--;
      deps.onChange();
    }
  };
  const work: Work = {
    counted,
    recorded: ({ method }, emit, task) => counted(() => recording.record(method, emit, task)),
    parts: (documentUri) => ({
      ...{ ...deps, warm: deps.affinity.warm },
      scheduler: member,
      tickets,
      settings: placing.settings,
      files: withinFolders(deps.files, folders.length === 0 ? [] : [...folders, ...folderOf(documentUri)]),
    }),
    asking: async () => ({ ...(await askingParts(member, placing.settings, deps)), warm: deps.affinity.warm }),
  };
  const session: ClientSession = {
    get settings() {
      return placing.settings;
    },
    member,
    running: () => running,
    handlers: {
      ...taskHandlers(work, deps, member),
      ...openaiHandlers(work),
      ...benchHandlers(deps, () => placing.settings, counted),
      async status() {
        await placing.done();
        return deps.status(member);
      },
      async follow(_, { signal }) {
        await placing.done();
        return deps.follow(signal);
      },
      acceptNow: async ({ ticket }) => ({ isFound: tickets.accept(ticket) }),
      ...serviceHandlers(() => deps.service(session)),
    },
    configure: placing.begin,
    follow: (listener) => followers.follow(listener, placing.settings),
    scope(folderUris) {
      folders = folderUris;
    },
    [Symbol.dispose]() {
      deps.onGone();
      placing[Symbol.dispose]();
      member[Symbol.dispose]();
    },
  };
  return session;
}

/** Who hears of a client's settings. */
function createFollowers() {
  const followers = new Set<(settings: Settings) => void>();
  return {
    tell(settings: Settings): void {
      for (const it of followers) it(settings);
    },
    follow(listener: (settings: Settings) => void, now: Settings): Disposable {
      followers.add(listener);
      listener(now);
      return { [Symbol.dispose]: () => void followers.delete(listener) };
    },
  };
}

type Emit<R extends AnyRequest> = (event: EventOf<R>) => void;

/** What the handlers of tasks work with. */
interface Work {
  /** Runs once the engines are placed, and is counted while it does. */
  counted<T>(task: () => Promise<T>): Promise<T>;
  /** The same, and the journal hears what is decided and how it ends. */
  recorded<R extends AnyRequest, T>(
    asked: R,
    emit: Emit<R>,
    task: (tell: Emit<R>, note: Note) => Promise<T>,
  ): Promise<T>;
  parts(documentUri?: string): RunDeps;
  /** The same for requests in OpenAI's shape. */
  asking(): Promise<OpenAiDeps>;
}

/** What a task is made of is read with the first one: a start need not pay for it. */
function taskHandlers(work: Work, deps: SharedParts, member: Membership) {
  const { counted, recorded, parts } = work;
  return {
    ...engineHandlers(work, member),
    ...registryHandlers(deps.registry),
    run: (params, { emit, signal }) =>
      recorded(requests.run, emit, async (tell, note) => {
        const { run } = await import("./tasks/run.ts");
        return run(params, { ...parts(params.document?.uri), note }, tell, signal);
      }),
    generate: (params, { emit, signal }) =>
      recorded(requests.generate, emit, async (tell, note) => {
        const { generate } = await import("./tasks/generate.ts");
        return generate(params, { ...parts(), note }, tell, signal);
      }),
    auditText: (params, { emit, signal }) =>
      counted(async () => {
        const { auditText } = await import("./tasks/auditText.ts");
        return auditText(params, parts(), emit, signal);
      }),
    models: () => listCatalogue(deps),
    decisions: async (page) => ({ decisions: deps.journal.decisions(page) }),
    pull: (params, call) => pullModel(params.model, deps, call),
    doctor: (_, { signal }) => deps.doctor(parts().settings, signal),
    gpuHistory: ({ seconds }) => deps.gpuHistory(seconds),
    gpuForecast: async (params) => {
      const { forecastAll } = await import("./tasks/outlook.ts");
      return forecastAll(params, deps.gpuHistory);
    },
    rank: (params) =>
      counted(async () => {
        const { rankEngines } = await import("./tasks/outlook.ts");
        return rankEngines(params, member);
      }),
  } satisfies Partial<Handlers>;
}

function openaiHandlers({ recorded, counted, asking }: Work) {
  // Programs ask hundreds of times a second, and each import is resolved anew.
  let chatTask: Promise<typeof import("./tasks/chat.ts")> | undefined;
  let completeTask: Promise<typeof import("./tasks/complete.ts")> | undefined;
  return {
    chat: (params, { emit, signal, chunks }) =>
      recorded(requests.chat, emit, async (tell, note) => {
        chatTask ??= import("./tasks/chat.ts");
        const { chat } = await chatTask;
        return chat(params, { ...(await asking()), note, sink: chunks }, tell, signal);
      }),
    complete: (params, { emit, signal, chunks }) =>
      recorded(requests.complete, emit, async (tell, note) => {
        completeTask ??= import("./tasks/complete.ts");
        const { complete } = await completeTask;
        return complete(params, { ...(await asking()), note, sink: chunks }, tell, signal);
      }),
    embeddings: (params, { emit, signal }) =>
      recorded(requests.embeddings, emit, async (tell, note) => {
        const { embed } = await import("./tasks/embed.ts");
        return embed(params, { ...(await asking()), note }, tell, signal);
      }),
    listModels: (_, { signal }) =>
      counted(async () => {
        const { listModels } = await import("./tasks/listModels.ts");
        return listModels(await asking(), signal);
      }),
  } satisfies Partial<Handlers>;
}

/** Models by name, and where they are from. */
function registryHandlers(registry: Registry) {
  return {
    async registry({ look }, { signal }) {
      if (look) await registry.look(signal);
      return registry.shown();
    },
    register: ({ model }) => registry.register(model),
    async unregister({ name }) {
      await registry.unregister(name);
      return {};
    },
  } satisfies Partial<Handlers>;
}

/** The session is made before what it asks of the whole orchestrator. */
function serviceHandlers(service: () => ServiceHandlers): ServiceHandlers {
  return {
    serve: (params, call) => service().serve(params, call),
    rotateKey: (params, call) => service().rotateKey(params, call),
    stop: (params, call) => service().stop(params, call),
    builds: (params, call) => service().builds(params, call),
    getBuild: (params, call) => service().getBuild(params, call),
  };
}

/** A model that no engine has yet gets one, if there is such a model; what there is otherwise is told by who looks for it. */
function openFor(model: string, { pin }: OpenAiDeps): void {
  if (pin(model, "write") === null) pin(model, "embed");
}

/** A person at an editor goes before programs at the HTTP door. */
function priorityOf(client: ClientInfo | null): Priority {
  return client ? "interactive" : "task";
}

/** What a user wants done with an engine, whatever the tasks are. */
function engineHandlers({ counted, asking }: Work, { user }: Membership) {
  return {
    load: ({ engine }, { emit, signal }) =>
      counted(async () => {
        if (!user.knows(engine)) openFor(engine, await asking());
        return user.load(engine, emit, signal);
      }),
    unload: ({ engine }, { signal }) => counted(() => user.unload(engine, signal)),
    resetBreaker: ({ engine }) => counted(async () => ({ reset: user.reset(engine) })),
    pin: ({ engine, isPinned }) => counted(async () => (isPinned ? user.pin(engine) : user.unpin(engine))),
  } satisfies Partial<Handlers>;
}
