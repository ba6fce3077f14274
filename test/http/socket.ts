import { connect } from "node:net";

/** One answer, read from the bytes of a connection. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends bytes over a connection of its own and collects what comes until the server closes it, or `deadlineMs` have passed. */
export async function exchange(port: number, bytes: string | Uint8Array, deadlineMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  const timer = setTimeout(() => reject(new Error(`no end after ${deadlineMs} ms`)), deadlineMs);
  socket.on("connect", () => socket.write(bytes));
  socket.on("data", (chunk) => chunks.push(chunk));
  // A server that is sure of a broken request closes before it has read all of it.
  socket.on("error", () => undefined);
  socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** The first answer in what came; null when there is none. */
export function firstAnswer(text: string): RawAnswer | null {
  const end = text.indexOf("\r\n\r\n");
  const [line = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1];
  if (end < 0 || status === undefined) return null;
  const headers = Object.fromEntries(
    lines.map((it) => [it.slice(0, it.indexOf(":")).toLowerCase(), it.slice(it.indexOf(":") + 1).trim()]),
  );
  const length = Number(headers["content-length"] ?? 0);
  return { status: Number(status), headers, body: text.slice(end + 4, end + 4 + length) };
}

/** A request line with headers, ended by an empty line; `connection: close`, so that the answer's end is the connection's. */
export function head(line: string, headers: Readonly<Record<string, string>>): string {
  const all = { connection: "close", ...headers };
  return [`${line} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");
}
