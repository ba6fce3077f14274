import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { abortError } from "../../server/errors.ts";
import type { Handlers, Session } from "../../server/handlers.ts";
import type { Log } from "../../server/ports.ts";
import type { ClientInfo } from "../../server/protocol/handshake.ts";
import { requests } from "../../server/protocol/requests.ts";
import type { RunResult, Timing } from "../../server/protocol/run.ts";
import type { ClientSettings } from "../../server/protocol/settings.ts";
import { createFrames } from "../../server/transport/lsp/frames.ts";
import { type LspClient, serveLsp } from "../../server/transport/lsp/serve.ts";
import { listenOn } from "../../server/transport/socket.ts";
import { silentLog } from "../fakes/log.ts";

/** What a session heard, and the handlers behind it: `status` answers, `generate` goes on until it is aborted or let go. */
export interface ScriptedSession extends Session {
  readonly settings: readonly ClientSettings[];
  readonly folders: readonly (readonly string[])[];
  readonly disposals: number;
  /** Handlers that have begun and not ended. */
  readonly working: number;
  letGo(): void;
}

export function scriptedSession(): ScriptedSession {
  const heard = { settings: [] as ClientSettings[], folders: [] as (readonly string[])[], disposals: 0, working: 0 };
  let free = Promise.withResolvers<void>();
  async function wait(signal: AbortSignal): Promise<void> {
    heard.working++;
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(abortError(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    try {
      await Promise.race([free.promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      heard.working--;
    }
  }
  const engine = { model: "scripted" };
  const handlers = {
    ...Object.fromEntries(Object.keys(requests).map((it) => [it, async () => ({})])),
    status: async () => ({ pid: 1 }),
    async generate(_: unknown, { signal }: { signal: AbortSignal }) {
      await wait(signal);
      return { text: "done" };
    },
    async run(params: Parameters<Handlers["run"]>[0]): Promise<RunResult> {
      const timing = { totalMs: 0, draft: engine } as unknown as Timing;
      const nothing = { findings: [], notices: [], audit: null, seams: [], cloud: null };
      const common = { action: params.action ?? "ask", ...nothing, timing };
      if (!params.document) return { kind: "answer", markdown: "x", ...common };
      const { uri, version } = params.document;
      const start = { line: 0, character: 0 };
      const edit = { uri, version, range: { start, end: start }, before: "", after: "// x\n", isNewFile: false };
      return { kind: "edit", edits: [edit], draft: "", ...common };
    },
  };
  return {
    get settings() {
      return heard.settings;
    },
    get folders() {
      return heard.folders;
    },
    get disposals() {
      return heard.disposals;
    },
    get working() {
      return heard.working;
    },
    // What the answers hold is of no concern to the door.
    handlers: handlers as unknown as Handlers,
    configure: (settings) => void heard.settings.push(settings),
    scope: (folders) => void heard.folders.push(folders),
    letGo() {
      free.resolve();
      free = Promise.withResolvers();
    },
    [Symbol.dispose]() {
      heard.disposals++;
    },
  };
}

export interface Served {
  readonly session: ScriptedSession;
  readonly client: LspClient;
}

export interface TestDoor extends AsyncDisposable {
  /** Everybody who ever came in, in order. */
  readonly served: readonly Served[];
  enter(kind?: ClientInfo["kind"]): Promise<RawClient>;
  /** Clients that are in. */
  clients(): number;
  /** Lets go of what it knows of the clients from there on, so that it is not what keeps them in memory. */
  forget(from: number): void;
}

/** The LSP door on a real socket, without the handshake: the client's first byte says what kind it is. */
export async function startDoor({ log = silentLog }: { log?: Log } = {}): Promise<TestDoor> {
  const folder = await mkdtemp(join(tmpdir(), "td-"));
  const path = process.platform === "win32" ? `\\\\.\\pipe\\${folder.replaceAll("\\", "-")}` : join(folder, "s");
  const served: Served[] = [];
  const sockets: Socket[] = [];
  const door = await listenOn(path, {
    log,
    async receive(socket) {
      await once(socket, "readable");
      const kind = String(socket.read(1)) === "e" ? "editor" : "cli";
      return { client: { kind, pid: 1, version: "0" } };
    },
    onClient(socket, client) {
      const session = scriptedSession();
      served.push({ session, client: serveLsp(socket, socket, { session, client, version: "0", log }) });
    },
  });
  return {
    served,
    clients: door.clients,
    forget(from) {
      served.length = from;
      sockets.length = Math.min(sockets.length, from);
    },
    async enter(kind = "cli") {
      const socket = connect(path);
      sockets.push(socket);
      await once(socket, "connect");
      socket.write(kind === "editor" ? "e" : "c");
      return rawClient(socket);
    },
    async [Symbol.asyncDispose]() {
      for (const it of sockets) it.destroy();
      for (const { client } of served) client.close();
      await door[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One message as it came back. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the server wrote
export type Wire = any;

export interface RawClient {
  readonly socket: Socket;
  /** Resolves when the connection has ended, however it did. */
  readonly closed: Promise<void>;
  readonly received: readonly Wire[];
  send(message: object): void;
  bytes(bytes: Buffer | string): void;
  /** The first message that fits, come or to come; rejects when the connection ends without it. */
  next(fits: (message: Wire) => boolean): Promise<Wire>;
  /** Sends a request and resolves with its answer. */
  ask(method: string, params?: unknown, id?: number | string): Promise<Wire>;
  initialize(): Promise<Wire>;
}

let ids = 1_000_000;

export function rawClient(socket: Socket): RawClient {
  const frames = createFrames();
  const received: Wire[] = [];
  const arrivals = new EventEmitter().setMaxListeners(0);
  const closed = Promise.withResolvers<void>();
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closed.resolve();
    arrivals.emit("arrival");
  });
  socket.on("data", (chunk) => {
    for (const frame of frames.push(chunk)) {
      if (frame.kind !== "body") throw new Error(frame.why);
      received.push(JSON.parse(frame.bytes.toString()));
    }
    arrivals.emit("arrival");
  });
  const client: RawClient = {
    socket,
    closed: closed.promise,
    received,
    bytes: (bytes) => void (socket.writable && socket.write(bytes)),
    send: (message) => client.bytes(framed(JSON.stringify({ jsonrpc: "2.0", ...message }))),
    next: (fits) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = received.find(fits);
          if (found !== undefined) resolve(found);
          else if (socket.closed) reject(new Error("the connection ended"));
          else arrivals.once("arrival", look);
        };
        look();
      }),
    ask(method, params, id = ids++) {
      const before = received.length;
      client.send({ id, method, params });
      return client.next((it) => it.id === id && !("method" in it) && received.indexOf(it) >= before);
    },
    initialize: () => client.ask("initialize", { processId: null, rootUri: null, capabilities: {} }),
  };
  return client;
}

export function framed(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
}
