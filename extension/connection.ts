import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import type { LogOutputChannel } from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  StreamMessageWriter,
} from "vscode-languageclient/node";
import { stateFolder } from "../server/platform/folders.ts";
import { isAlive } from "../server/platform/processes.ts";
import { moving, statusChanged } from "../server/protocol/requests.ts";
import type { Moving } from "../server/protocol/service.ts";
import type { ClientSettings } from "../server/protocol/settings.ts";
import type { Status } from "../server/protocol/status.ts";
import { type Attached, attach } from "../server/rendezvous/attach.ts";
import { readEndpoint } from "../server/rendezvous/endpoint.ts";
import { launch, type Started } from "../server/rendezvous/launch.ts";
import { namesOf } from "../server/rendezvous/names.ts";
import type { Line } from "./deliver.ts";
import { failureOf } from "./failure.ts";
import type { Mortal } from "./life.ts";
import { lastWords } from "./log.ts";
import { PatientReader } from "./reader.ts";
import { send } from "./requests.ts";

/** One process of this user's, told from a later one with its number by its mark; null where the system does not say. */
export interface Orchestrating {
  readonly pid: number;
  readonly startMark: string | null;
}

/** A connection to the orchestrator, initialised. Disposing it ends the connection; the orchestrator stays while others use it. */
export interface ServerConnection extends Line, Mortal {
  readonly process: Orchestrating;
  /** Whether this window started the orchestrator for this connection. */
  readonly isNew: boolean;
  configure(settings: ClientSettings): void;
}

export interface ConnectionOptions {
  /** The orchestrator's program, for when none runs. */
  readonly module: string;
  readonly version: string;
  readonly output: LogOutputChannel;
  readonly settings: ClientSettings;
  readonly onStatus: (status: Status) => void;
}

const INITIALIZE_TIMEOUT_MS = 20_000;
const GOODBYE_MS = 500;
/** The system tells of a child's end a moment after its connections have ended. */
const EXIT_WAIT_MS = 50;

/** Finds the orchestrator, or starts it, and introduces this window. Rejects with the reason when that cannot be done. */
export async function openConnection(options: ConnectionOptions, signal: AbortSignal): Promise<ServerConnection> {
  const { module, version, output } = options;
  let started: Started | null = null;
  const start = async () => {
    started = await startOrchestrator(module);
    return started;
  };
  const attached = await attach({ client: { kind: "vscode", pid: process.pid, version }, start }, signal);
  const { client, parts } = introduce(attached, options, attached.startedByUs ? started : null);
  const hangUp = () => attached.socket.destroy();
  signal.addEventListener("abort", hangUp, { once: true });
  try {
    await within(INITIALIZE_TIMEOUT_MS, client.start(), "the orchestrator did not answer within 20 s");
  } catch (error) {
    const failure = failureOf(error, attached.socket.destroyed ? CLOSED : null);
    hangUp();
    throw failure;
  } finally {
    signal.removeEventListener("abort", hangUp);
  }
  const how = attached.startedByUs ? "started by this window" : "found";
  output.info(`orchestrator ${attached.version} is process ${attached.pid}, ${how}`);
  const endpoint = await readEndpoint(namesOf());
  const startMark = endpoint?.pid === attached.pid ? endpoint.startMark : null;
  return { ...parts, process: { pid: attached.pid, startMark }, isNew: attached.startedByUs };
}

/** On the editor's own Node, to stay when this window goes. */
async function startOrchestrator(module: string): Promise<Started> {
  const logPath = join(stateFolder(), "orchestrator.log");
  const started = await launch({
    program: process.execPath,
    entry: module,
    args: ["--shared"],
    env: process.env,
    logPath,
    cwd: dirname(logPath),
  });
  const exited = started.exited.then((exit) => ({ ...exit, lastWords: lastWords(exit.lastWords) }));
  return { ...started, exited };
}

/** Hands the socket to the language client, which speaks LSP from here on. */
function introduce({ socket, pid }: Attached, options: ConnectionOptions, own: Started | null) {
  const gone = Promise.withResolvers<string>();
  const leaves = Promise.withResolvers<Moving>();
  let moved: Moving | null = null;
  let ended: string | null = null;
  socket.on("error", () => undefined); // its end tells
  socket.once("close", () => {
    ended = moved?.message ?? CLOSED;
    void endOf(pid, own).then((how) => gone.resolve(moved?.message ?? how));
  });
  const client = clientOn(socket, options, (message) => {
    moved = message;
    leaves.resolve(message);
  });
  const wire = {
    sendRequest: client.sendRequest.bind(client),
    onProgress: client.onProgress.bind(client),
    ended: () => ended,
  };
  const parts: Omit<ServerConnection, "process" | "isNew"> = {
    moving: leaves.promise,
    gone: gone.promise,
    send: (order) => send(wire, order),
    configure(next) {
      const told = client.sendNotification("workspace/didChangeConfiguration", { settings: next });
      // One that goes before it is told is replaced by one that begins with the new settings.
      told.catch(() => undefined);
    },
    async [Symbol.asyncDispose]() {
      await client.dispose(GOODBYE_MS).catch(() => undefined);
      socket.destroy();
    },
  };
  return { client, parts };
}

const CLOSED = "the connection was closed";

function clientOn(
  socket: Socket,
  { output, settings, onStatus }: ConnectionOptions,
  onMoving: (moving: Moving) => void,
): LanguageClient {
  const transports = { reader: new PatientReader(socket), writer: new StreamMessageWriter(socket) };
  const client = new QuietClient("tandem", "Tandem", () => Promise.resolve(transports), {
    outputChannel: output,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: settings,
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => ({ action: CloseAction.DoNotRestart, handled: true, message: UNSAID }),
    },
  });
  client.onNotification(moving.method, (value: unknown) => {
    const message = moving.params.safeParse(value);
    if (message.success) onMoving(message.data);
  });
  client.onNotification(statusChanged.method, (value: unknown) => {
    const status = statusChanged.params.safeParse(value);
    if (status.success) onStatus(status.data);
  });
  return client;
}

/** How an orchestrator ended whose connection did, as a clause. */
async function endOf(pid: number, own: Started | null): Promise<string> {
  const exit = own && (await within(EXIT_WAIT_MS, own.exited, "still there").catch(() => null));
  if (exit) return exit.code === null ? "it was killed" : `it ended with exit code ${exit.code}`;
  return isAlive(pid) ? CLOSED : "its process ended";
}

/** What the library says of a connection that ended, which is told elsewhere. */
const UNSAID = "the connection to the orchestrator ended";

/** The library's client without its pop-ups: a process that dies in the background is no reason for one. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    if (message !== UNSAID) super.error(message, data, false);
  }
}

async function within<T>(ms: number, promise: Promise<T>, otherwise: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(otherwise)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
