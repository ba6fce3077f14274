import type { Readable, Writable } from "node:stream";
import {
  createMessageConnection,
  LogMessageNotification,
  type LogMessageParams,
  type MessageConnection,
  type MessageStrategy,
  MessageType,
} from "vscode-languageserver-protocol/node";
import type { z } from "zod";
import type { Session } from "../../handlers.ts";
import type { Log } from "../../ports.ts";
import type { NotificationDefinition } from "../../protocol/define.ts";
import type { ClientInfo } from "../../protocol/handshake.ts";
import { createAdmission } from "./admission.ts";
import { type Calls, createCalls } from "./calls.ts";
import { contractMethods } from "./contract.ts";
import { createDispatch, type Dispatch } from "./dispatch.ts";
import type { Wire } from "./editor/progress.ts";
import { createEditorDoor } from "./editor/serve.ts";
import { brokenOff } from "./failure.ts";
import { gatherLines } from "./logLines.ts";
import { createReader } from "./reader.ts";
import { createWorkspace } from "./workspace.ts";
import { createWriter } from "./writer.ts";

export interface LspDeps {
  /** Disposed when the client has gone. */
  readonly session: Session;
  readonly client: ClientInfo;
  readonly version: string;
  readonly log: Log;
}

export interface LspClient {
  /** Resolves when the client has gone, politely or not; its requests are then aborted, its session and both streams let go. */
  readonly gone: Promise<void>;
  /** Requests that run at the moment. */
  running(): number;
  notify<Params extends z.ZodType>(definition: NotificationDefinition<Params>, params: z.output<Params>): void;
  /** Tells the client's own log. */
  log(level: keyof typeof LEVELS, text: string): void;
  /** Finishes what runs, refuses what comes, and closes the connection then. */
  drain(): void;
  close(): void;
}

const LEVELS = { error: MessageType.Error, warn: MessageType.Warning, info: MessageType.Info } as const;
/** What was said last may take so long to reach the client. */
const FAREWELL_MS = 5_000;

/** One client on one stream, which is its own from now on. Whatever comes over it, no other client and not the process is hurt. */
export function serveLsp(input: Readable, output: Writable, deps: LspDeps): LspClient {
  const gone = Promise.withResolvers<void>();
  const calls = createCalls();
  const admission = createAdmission();
  let isGone = false;
  let isDraining = false;

  const writer = createWriter(output, {
    onAnswer(id) {
      admission.answered(id);
      leaveWhenDrained();
    },
    onOverflow: () => drop("it does not read what it is sent"),
  });
  const reader = createReader(input, {
    admission,
    refuse: writer.refuse,
    onBroken: drop,
  });
  const connection = createMessageConnection(reader, writer, quiet(deps.log), {
    messageStrategy: strategy(reader.taken),
  });

  const lines = gatherLines(saying(connection));

  function drop(why: string): void {
    if (isGone) return;
    deps.log.warn("client dropped", { client: deps.client.kind, pid: deps.client.pid, why });
    end();
  }

  function end(): void {
    if (isGone) return;
    isGone = true;
    lines.flush();
    calls.abort(brokenOff());
    deps.session[Symbol.dispose]();
    connection.dispose();
    hangUp(input, output);
    gone.resolve();
  }

  function leaveWhenDrained(): void {
    if (isDraining && admission.open() === 0) end();
  }

  listen(connection, dispatchOf(connection, { ...deps, calls, end }), end);
  return {
    gone: gone.promise,
    running: calls.running,
    notify: ({ method }, params) => quietly(() => connection.sendNotification(method, params)),
    log: (level, message) => lines.add({ type: LEVELS[level], message }),
    drain() {
      isDraining = true;
      calls.refuse();
      leaveWhenDrained();
    },
    close: end,
  };
}

function strategy(onTaken: () => void): MessageStrategy {
  return {
    handleMessage(message, next) {
      onTaken();
      return next(message);
    },
  };
}

function saying(connection: MessageConnection): (line: LogMessageParams) => void {
  return (line) => quietly(() => connection.sendNotification(LogMessageNotification.type, line));
}

function dispatchOf(
  connection: MessageConnection,
  { session, client, version, log, calls, end }: LspDeps & { calls: Calls; end: () => void },
): Dispatch {
  const workspace = createWorkspace(session, client.kind);
  const wire: Wire = {
    notify: (method, params) => quietly(() => connection.sendNotification(method, params)),
    request: (method, params) => connection.sendRequest(method, params),
  };
  const editor = client.kind === "editor" ? createEditorDoor({ handlers: session.handlers, wire, log }) : null;
  const contract = contractMethods(session.handlers, (token, value) => wire.notify("$/progress", { token, value }));
  return createDispatch({
    initialize(params) {
      workspace.begin(params);
      const capabilities = {
        ...editor?.begin(params),
        positionEncoding: "utf-16",
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      };
      return { capabilities, serverInfo: { name: "tandem", version } };
    },
    onShutdown: () => calls.abort(brokenOff()),
    onExit: end,
    methods: new Map([...contract, ...(editor?.methods ?? [])]),
    notices: new Map([
      ...(editor?.notices ?? []),
      ["workspace/didChangeConfiguration", workspace.changeSettings],
      ["workspace/didChangeWorkspaceFolders", workspace.changeFolders],
    ]),
    calls,
    asked: { client: client.kind, log },
  });
}

function listen(connection: MessageConnection, dispatch: Dispatch, end: () => void): void {
  connection.onRequest((method, params, token) => dispatch.request(method, params, token));
  connection.onNotification((method, params) => dispatch.notification(method, params));
  connection.onClose(end);
  connection.onError(end);
  connection.listen();
}

/** What was written reaches a client that reads; one that does not is not waited for. */
function hangUp(input: Readable, output: Writable): void {
  const cut = () => {
    clearTimeout(timer);
    input.destroy();
    output.destroy();
  };
  const timer = setTimeout(cut, FAREWELL_MS);
  timer.unref();
  output.on("error", cut);
  output.end(cut);
}

/** A client that has gone needs no news. A closed connection throws at once, one that breaks rejects. */
function quietly(send: () => Promise<void>): void {
  try {
    void send().catch(() => undefined);
  } catch {
    // There is nobody to tell.
  }
}

/** The library's own words, without what a message held. */
function quiet(log: Log) {
  const debug = (message: string) => log.debug("lsp", { message: message.split("\n", 1)[0] });
  return { error: debug, warn: debug, info: () => undefined, log: () => undefined };
}
