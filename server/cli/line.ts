import type { Socket } from "node:net";
import {
  CancellationTokenSource,
  ConnectionError,
  createProtocolConnection,
  ErrorCodes,
  ExitNotification,
  InitializedNotification,
  type InitializeParams,
  InitializeRequest,
  LogMessageNotification,
  ProgressType,
  type ProtocolConnection,
  ResponseError,
  ShutdownRequest,
} from "vscode-languageserver-protocol/node";
import type { AnyRequest, EventOf, ParamsOf, ResultOf } from "../protocol/define.ts";
import { moving } from "../protocol/requests.ts";
import type { Moving } from "../protocol/service.ts";
import type { ClientSettings } from "../protocol/settings.ts";

/** One connection to one orchestrator, initialised. */
export interface Line {
  /** Rejects with `LineLost` when the orchestrator goes before it has answered. */
  request<R extends AnyRequest>(
    definition: R,
    params: ParamsOf<R>,
    onEvent: (event: EventOf<R>) => void,
    signal: AbortSignal,
  ): Promise<ResultOf<R>>;
  /** Why the next request should go to another orchestrator, as a clause: this one leaves, or has gone. Null while it stays. */
  readonly end: string | null;
  close(): Promise<void>;
}

/** The orchestrator at the other end has gone, by itself or killed. */
export class LineLost extends Error {
  constructor() {
    super("its connection ended");
  }
}

export interface LineOptions {
  readonly settings: ClientSettings;
  /** A line of the orchestrator's log. */
  readonly onLog: (text: string) => void;
}

export const PROCESS_ENDED = "its process ended";
/** A farewell says more than the end does, and may be handed out after it. */
const MOVING: Readonly<Record<Moving["reason"], string>> = {
  stopped: "it was asked to stop",
  superseded: "one of a newer version took over",
};

/** An orchestrator that does not answer a good-bye is left without one. */
const GOODBYE_MS = 1_000;

/** Speaks LSP on a socket that has been through the handshake. */
export async function openLine(socket: Socket, { settings, onLog }: LineOptions): Promise<Line> {
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined);
  let end: string | null = null;
  let tokens = 0;
  const leave = () => {
    end ??= PROCESS_ENDED;
  };
  const lose = () => {
    leave();
    lost.reject(new LineLost());
  };
  const connection = connect(socket, lose);
  connection.onClose(leave);
  connection.onNotification(moving.method, (params) => {
    end = MOVING[moving.params.parse(params).reason];
  });
  connection.onNotification(LogMessageNotification.type, ({ message }) => onLog(message));
  connection.listen();
  const orLost = <T>(answer: Promise<T>): Promise<T> => unlessBroken(Promise.race([answer, lost.promise]), lose);
  try {
    await orLost(connection.sendRequest(InitializeRequest.type, introduction(settings)));
    await orLost(connection.sendNotification(InitializedNotification.type, {}));
  } catch (error) {
    // Left open it would keep both processes.
    socket.destroy();
    throw error;
  }
  return {
    get end() {
      return end;
    },
    async request(definition, params, onEvent, signal) {
      const partialResultToken = `events-${++tokens}`;
      const listening = connection.onProgress(
        new ProgressType<EventOf<typeof definition>>(),
        partialResultToken,
        (event) => onEvent(definition.event.parse(event)),
      );
      const cancel = new CancellationTokenSource();
      const onAbort = () => cancel.cancel();
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      try {
        const given = { ...(params as object), partialResultToken };
        return definition.result.parse(await orLost(connection.sendRequest(definition.method, given, cancel.token)));
      } finally {
        signal.removeEventListener("abort", onAbort);
        listening.dispose();
        cancel.dispose();
      }
    },
    async close() {
      const late = setTimeout(() => socket.destroy(), GOODBYE_MS);
      try {
        await Promise.race([connection.sendRequest(ShutdownRequest.type), lost.promise]);
        await connection.sendNotification(ExitNotification.type);
      } catch {
        // It is gone, which is what was wanted.
      } finally {
        clearTimeout(late);
        connection.dispose();
        socket.destroy();
      }
    },
  };
}

function introduction(settings: ClientSettings): InitializeParams {
  return { processId: process.pid, rootUri: null, capabilities: {}, initializationOptions: settings };
}

/** `onEnd` is called when all that arrived before the end has been handed out: an answer may be among it. */
function connect(socket: Socket, onEnd: () => void): ProtocolConnection {
  let handled = 0;
  const connection = createProtocolConnection(socket, socket, undefined, {
    messageStrategy: {
      handleMessage(message, next) {
        handled++;
        return next(message);
      },
    },
  });
  // The library hands out a message in each turn of the event loop.
  const endAfterLast = () => {
    const before = handled;
    setImmediate(() => setImmediate(() => (handled === before ? onEnd() : endAfterLast())));
  };
  socket.on("error", () => undefined); // a broken socket is seen as its end
  connection.onError(() => undefined);
  connection.onClose(endAfterLast);
  return connection;
}

/** A socket that breaks while it is written to is seen as ended a moment later: `lose` says so now. */
async function unlessBroken<T>(answer: Promise<T>, lose: () => void): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!isBroken(error)) throw error;
    lose();
    throw new LineLost();
  }
}

const BROKEN: ReadonlySet<number> = new Set([
  ErrorCodes.MessageWriteError,
  ErrorCodes.MessageReadError,
  ErrorCodes.PendingResponseRejected,
]);

/** What the library says of a socket that broke: as an answer, or because it was told before us. */
function isBroken(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof ResponseError && BROKEN.has(error.code));
}
