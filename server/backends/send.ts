import type { Address } from "./address.ts";
import { brokeOff, type Connection, type Reply } from "./connection.ts";

/** A server that is attached to. */
export interface Server {
  readonly connection: Connection;
  readonly address: Address;
  readonly apiKey: string;
}

/**
 * Posts to OpenAI's part of the server. Once more when the connection broke before an answer began: a kept connection that the
 * server has just closed looks like that.
 */
export async function send(
  { connection, address }: Server,
  { path, body }: { path: string; body: unknown },
  signal: AbortSignal,
): Promise<Reply> {
  const url = `${address.api}${path}`;
  try {
    return await connection.post(url, body, signal);
  } catch (error) {
    if (signal.aborted || !brokeOff(error)) throw error;
    return connection.post(url, body, signal);
  }
}
