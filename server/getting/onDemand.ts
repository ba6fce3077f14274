import type { Handlers } from "../handlers.ts";
import type { Log } from "../ports.ts";

/** Fetching engines into `folder`, asked for by a client. It is loaded with the first question: it brings the network. */
export function buildsOnDemand(folder: string, log: Log): Pick<Handlers, "builds" | "getBuild"> {
  const handlers = async () => {
    const [{ createGetter }, { buildHandlers }] = await Promise.all([import("./getter.ts"), import("./handlers.ts")]);
    const { platform, arch, env } = process;
    const clock = { nowMs: () => performance.now() };
    return buildHandlers(createGetter({ folder, log, clock, platform, arch, env }), platform);
  };
  return {
    builds: async (params, call) => (await handlers()).builds(params, call),
    getBuild: async (params, call) => (await handlers()).getBuild(params, call),
  };
}
