import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { Log } from "../ports.ts";
import type { ClientInfo } from "../protocol/handshake.ts";

export interface SocketDoor extends AsyncDisposable {
  /** Clients that were let in and have not gone. */
  clients(): number;
}

export interface SocketDoorDeps {
  readonly log: Log;
  /** The handshake. Null: the peer is not served and its socket gone, or soon so. It never rejects. */
  readonly receive: (
    socket: Socket,
    room: Room,
    signal: AbortSignal,
  ) => Promise<{ readonly client: ClientInfo } | null>;
  /** The socket is the callee's from now on. */
  readonly onClient: (socket: Socket, client: ClientInfo) => void;
}

export interface Room {
  /** True when there is none for another client. */
  isFull(): boolean;
}

/** Connections that have not got through the handshake. One more is closed at once; a client of ours tries again. */
export const MOST_STRANGERS = 64;
/** A window or a command each. */
export const MOST_CLIENTS = 256;
/** Everything that others may do with the file is taken away at its birth: between its birth and a change of its mode there is a moment. */
const OWNER_ONLY = 0o177;

/**
 * Listens on a unix socket or a Windows pipe, the door of editors and the command line. A file that is there is a leftover: whoever
 * calls holds the claim to the place. Rejects when it cannot listen. Disposing stops listening; clients that are in stay.
 */
export async function listenOn(path: string, { log, receive, onClient }: SocketDoorDeps): Promise<SocketDoor> {
  const leaving = new AbortController();
  const clients = new Set<Socket>();
  let strangers = 0;
  const room = { isFull: () => clients.size >= MOST_CLIENTS };

  async function welcome(socket: Socket): Promise<void> {
    if (strangers >= MOST_STRANGERS || leaving.signal.aborted) {
      socket.destroy();
      return;
    }
    strangers++;
    const received = await receive(socket, room, leaving.signal).finally(() => strangers--);
    if (!received || socket.destroyed) return;
    // Several may have been told that there is room for one more.
    if (room.isFull()) {
      socket.destroy();
      return;
    }
    clients.add(socket);
    socket.once("close", () => clients.delete(socket));
    onClient(socket, received.client);
  }

  const server = createServer((socket) => {
    socket.on("error", (error) => log.debug("socket", { reason: error.message }));
    void welcome(socket);
  });
  if (process.platform !== "win32") await rm(path, { force: true });
  await listening(server, path);
  // Without file descriptors no connection can be taken in; those that are in go on.
  server.on("error", (error) => log.warn("connection not taken in", { reason: error.message }));
  return {
    clients: () => clients.size,
    async [Symbol.asyncDispose]() {
      leaving.abort();
      server.close();
      if (process.platform !== "win32") await rm(path, { force: true });
    },
  };
}

function listening(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  // The file comes to be within this very call.
  const mask = process.umask(OWNER_ONLY);
  try {
    server.listen(path, resolve);
  } finally {
    process.umask(mask);
  }
  return promise.finally(() => server.off("error", reject));
}
