import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { TandemError, throwIfAborted } from "../errors.ts";
import { isAlive } from "../platform/processes.ts";
import { type ClientInfo, PROTOCOL } from "../protocol/handshake.ts";
import { type Endpoint, readEndpoint } from "./endpoint.ts";
import { type Greeting, greet } from "./handshake.ts";
import type { Names } from "./names.ts";

/**
 * What a client finds.
 * - attached  an orchestrator that serves it
 * - absent    none that lives
 * - leaving   one that makes room as soon as it has done its work; asking it again is of no use
 * - silent    one that does not answer now
 */
export type Visit =
  | { readonly kind: "attached"; readonly socket: Socket; readonly endpoint: Endpoint }
  | { readonly kind: "absent" }
  | { readonly kind: "leaving"; readonly endpoint: Endpoint }
  | { readonly kind: "silent"; readonly endpoint: Endpoint };

export interface VisitDeps {
  readonly names: Names;
  readonly client: ClientInfo;
  /** What the last visit found. */
  readonly before: Visit | null;
  /** One that does not answer within this time is silent. */
  readonly limitMs: number;
}

/** What a connection says when nobody listens. Anything else may pass: a queue that is full, a pipe that is busy. */
const NOBODY: ReadonlySet<unknown> = new Set(["ENOENT", "ECONNREFUSED"]);

/**
 * Looks once for the orchestrator and asks it to serve this client. Throws TandemError: not-configured and provider when it
 * refuses for good, cancelled.
 */
export async function visit({ names, client, before, limitMs }: VisitDeps, signal: AbortSignal): Promise<Visit> {
  const endpoint = await readEndpoint(names);
  if (!endpoint) return { kind: "absent" };
  if (before?.kind === "leaving" && before.endpoint.secret === endpoint.secret)
    return isAlive(endpoint.pid) ? before : { kind: "absent" };
  const socket = await open(endpoint, AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(limitMs))]));
  throwIfAborted(signal);
  if (!socket) return { kind: "absent" };
  if (socket === "busy") return { kind: "silent", endpoint };
  return meaningOf(await greet(socket, { endpoint, client, limitMs }, signal), socket, endpoint);
}

/** Null: nobody listens there. */
async function open({ socket: path }: Endpoint, signal: AbortSignal): Promise<Socket | "busy" | null> {
  const socket = connect(path);
  try {
    await once(socket, "connect", { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    return error instanceof Error && "code" in error && NOBODY.has(error.code) ? null : "busy";
  }
}

function meaningOf(greeting: Greeting, socket: Socket, endpoint: Endpoint): Visit {
  switch (greeting.kind) {
    case "welcome":
      return { kind: "attached", socket, endpoint };
    case "stranger":
      return { kind: "absent" };
    case "silent":
      return isAlive(endpoint.pid) ? { kind: "silent", endpoint } : { kind: "absent" };
    case "refused":
      if (isMakingRoom(greeting)) return { kind: "leaving", endpoint };
      throw refusal(greeting);
  }
}

type Refused = Extract<Greeting, { kind: "refused" }>;

/** An orchestrator of an older protocol makes room for us, whatever it calls that. */
function isMakingRoom({ code, protocol }: Refused): boolean {
  return code === "leaving" || code === "superseded" || (code === "protocol" && protocol < PROTOCOL);
}

function refusal({ code, message, version, pid }: Refused): TandemError {
  const details = { refusal: code, version, pid };
  if (code === "full")
    return new TandemError("provider", message, "Close a window or end a command that uses Tandem", { details });
  const nextStep =
    code === "protocol"
      ? `Update this client to version ${version}; in VS Code, reload the window`
      : `End process ${pid} and try again`;
  return new TandemError("not-configured", message, nextStep, { details });
}
