import { randomBytes } from "node:crypto";
import { z } from "zod";
import { readPrivateFile, writePrivateFile } from "../platform/privateFile.ts";
import { startMark } from "../platform/processes.ts";
import { PROTOCOL } from "../protocol/handshake.ts";
import type { Names } from "./names.ts";

/** Where an orchestrator is reached, and the secret by which it and its clients know each other. */
export const Endpoint = z.object({
  pid: z.int().positive(),
  /** Tells it from a later process with its number; null where the system does not say. */
  startMark: z.string().nullable(),
  /** The package version. */
  version: z.string(),
  protocol: z.int(),
  socket: z.string().min(1),
  /** Hex of 32 random bytes, made for one life of an orchestrator. */
  secret: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Endpoint = z.output<typeof Endpoint>;

/** This process's own, with a new secret. */
export async function ownEndpoint(socket: string, version: string): Promise<Endpoint> {
  const mark = await startMark(process.pid);
  return {
    pid: process.pid,
    startMark: mark,
    version,
    protocol: PROTOCOL,
    socket,
    secret: randomBytes(32).toString("hex"),
  };
}

/**
 * What the last orchestrator announced; it may be dead. Null when there is nothing, or nothing that can be understood.
 * Throws TandemError not-configured when the file is another user's or can be read by others.
 */
export async function readEndpoint(names: Names): Promise<Endpoint | null> {
  const text = await readPrivateFile(names.endpoint);
  if (text === null) return null;
  try {
    return Endpoint.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null; // not JSON
  }
}

export async function writeEndpoint(names: Names, endpoint: Endpoint): Promise<void> {
  await writePrivateFile(names.endpoint, `${JSON.stringify(endpoint)}\n`);
}
