import { rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * Listens on a unix socket or a Windows pipe. A socket file whose owner is gone is taken over; one that answers is not.
 * Rejects when it cannot listen. Disposing stops listening and removes the file; clients that are there stay.
 */
export async function listenOn(path: string, onClient: (socket: Socket) => void): Promise<AsyncDisposable> {
  const server = createServer(onClient);
  try {
    await listening(server, path);
  } catch (error) {
    const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    if (!isTaken || process.platform === "win32" || (await answers(path))) throw error;
    await rm(path, { force: true });
    await listening(server, path);
  }
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      if (process.platform !== "win32") await rm(path, { force: true });
    },
  };
}

function listening(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(path, () => {
    server.off("error", reject);
    resolve();
  });
  return promise;
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
