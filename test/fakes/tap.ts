import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** A wire that is listened to: what goes to a server, byte for byte. */
export interface Tap extends AsyncDisposable {
  readonly url: string;
  /** Everything that anybody has sent to it, as Latin-1 and, decoded, as UTF-8. */
  sent(): string;
}

/** Passes everything on to the server at `url`, and back. */
export async function startTap(url: string): Promise<Tap> {
  const { hostname, port } = new URL(url);
  const bytes: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const it of [client, upstream]) {
      sockets.add(it);
      it.on("error", () => it.destroy());
      it.on("close", () => sockets.delete(it));
    }
    client.on("data", (data: Buffer) => bytes.push(data));
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent: () => Buffer.concat(bytes).toString("utf8"),
    async [Symbol.asyncDispose]() {
      for (const it of sockets) it.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
