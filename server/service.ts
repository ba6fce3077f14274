import { readFile } from "node:fs/promises";
import { TandemError } from "./errors.ts";
import type { HttpDoors, OpenDoor } from "./httpDoors.ts";
import type { Life } from "./life.ts";
import type { Log } from "./ports.ts";
import type { ServeParams } from "./protocol/service.ts";
import type { ClientSession, ServiceHandlers } from "./session.ts";
import type { Tallied } from "./tally.ts";

export interface ServiceDeps {
  readonly httpDoors: HttpDoors;
  readonly life: Life;
  readonly log: Log;
  readonly version: string;
  readonly stateFolder: string;
  /** What was counted since the start. */
  readonly tally: () => Tallied;
  /** A session for an HTTP door, whose clients share it. */
  readonly connectHttp: () => ClientSession;
  /** Fetching engines. */
  readonly builds: Pick<ServiceHandlers, "builds" | "getBuild">;
  /** Leaves at once, breaking off what runs. */
  readonly leaveNow: () => void;
  /** No new client finds this orchestrator from here on, and another may be started. */
  readonly makeRoom: () => Promise<void>;
}

/** What concerns the whole orchestrator, asked for by one of its clients. */
export function createService(deps: ServiceDeps): (session: ClientSession) => ServiceHandlers {
  return (session) => ({
    ...deps.builds,
    async serve(params, call) {
      await deps.httpDoors.serve(params, () => openDoor(params, session, deps), call);
      return {};
    },
    async rotateKey() {
      const { rotateKey } = await import("./transport/http/key.ts");
      return { keyFile: await rotateKey(deps.stateFolder) };
    },
    async stop({ when }) {
      // Everybody is told, so that nobody takes it for a death.
      deps.life.drain({ reason: "stopped", message: "The orchestrator was asked to stop" });
      // The answer goes out first.
      if (when === "now") setImmediate(deps.leaveNow);
      else await deps.makeRoom();
      return {};
    },
  });
}

/** The door works with the settings of whoever opened it. The framework behind it is loaded with the first. */
async function openDoor(params: ServeParams, opener: ClientSession, deps: ServiceDeps): Promise<OpenDoor> {
  const [{ openHttp }, { loadKey }] = await Promise.all([
    import("./transport/http/door.ts"),
    import("./transport/http/key.ts"),
  ]);
  const key = await loadKey(deps.stateFolder);
  const tls = params.tls && { cert: await pem(params.tls.certificate), key: await pem(params.tls.key) };
  const session = deps.connectHttp();
  const following = opener.follow((settings) => session.configure(settings));
  const letGo = () => {
    following[Symbol.dispose]();
    session[Symbol.dispose]();
  };
  try {
    const status = () => ({ engines: session.member.status(), isDraining: deps.life.isDraining });
    const { log, version, tally } = deps;
    const door = await openHttp({ ...params, tls, key: () => key.current() }, { session, version, log, status, tally });
    return {
      url: door.url,
      keyFile: key.path,
      breakOff: door.breakOff,
      async [Symbol.asyncDispose]() {
        await door[Symbol.asyncDispose]();
        letGo();
      },
    };
  } catch (error) {
    letGo();
    throw error;
  }
}

async function pem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new TandemError("bad-input", `${path} cannot be read`, "Give the path of a PEM file that you may read", {
      cause,
    });
  }
}
