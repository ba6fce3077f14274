import type { Socket } from "node:net";
import type { Life } from "./life.ts";
import type { Log } from "./ports.ts";
import type { ClientInfo, Hello, Verdict } from "./protocol/handshake.ts";
import type { Claim } from "./rendezvous/claim.ts";
import { ownEndpoint } from "./rendezvous/endpoint.ts";
import { receive } from "./rendezvous/handshake.ts";
import { decide } from "./rendezvous/policy.ts";
import { listenOn } from "./transport/socket.ts";

export interface SharedDeps {
  readonly life: Life;
  readonly log: Log;
  readonly version: string;
  readonly onClient: (socket: Socket, client: ClientInfo) => void;
  /** A newer client is here, or somebody asked: let go of what the next orchestrator needs. */
  readonly onDraining: () => Promise<void>;
}

/** The one orchestrator of this user, listening. Disposing it lets the next one begin. */
export interface SharedDoor extends AsyncDisposable {
  /** Clients that come from now on are told that it leaves; those that are there stay. */
  close(): void;
}

/** Listens, and lets clients find it. */
export async function openSharedDoor(held: Claim, deps: SharedDeps): Promise<SharedDoor> {
  const { log, version } = deps;
  const endpoint = await ownEndpoint(held.socket, version);
  let isClosed = false;
  const listener = await listenOn(held.socket, {
    log,
    onClient: deps.onClient,
    receive: (socket, room, signal) => {
      const judge = (hello: Hello) => verdictOn(hello, { isClosed, isFull: room.isFull() }, deps);
      return receive(socket, { ...endpoint, decide: judge }, signal);
    },
  });
  await held.announce(endpoint);
  log.info("listening", { socket: held.socket, pid: endpoint.pid });
  return {
    close() {
      isClosed = true;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await listener[Symbol.asyncDispose]();
      await held.release();
    },
  };
}

interface Now {
  readonly isClosed: boolean;
  readonly isFull: boolean;
}

/** A newer client makes an older orchestrator drain. */
function verdictOn(hello: Hello, now: Now, { life, version, onDraining }: SharedDeps): Verdict {
  if (now.isClosed || life.isDraining)
    return { tandem: "refused", code: "leaving", message: "The orchestrator is leaving" };
  const verdict = decide(hello, version);
  if (verdict.tandem === "refused" && verdict.code === "superseded") {
    life.drain({ reason: "superseded", message: verdict.message });
    void onDraining();
  }
  if (verdict.tandem === "welcome" && now.isFull)
    return { tandem: "refused", code: "full", message: "Too many clients are connected" };
  return verdict;
}
