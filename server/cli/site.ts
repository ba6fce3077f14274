import { dirname, join } from "node:path";
import { packageVersion, serverEntry } from "../assets.ts";
import { stateFolder } from "../platform/folders.ts";
import type { ClientInfo } from "../protocol/handshake.ts";
import type { ClientSettings } from "../protocol/settings.ts";
import { attach, attachIfRunning } from "../rendezvous/attach.ts";
import { launch } from "../rendezvous/launch.ts";
import { type Client, createClient } from "./client.ts";
import { openLine } from "./line.ts";

/** Where a command finds the orchestrator. Clients it opened are closed with it. */
export interface Site extends AsyncDisposable {
  /** The one that runs, or a new one. */
  client(): Promise<Client>;
  /** Null when none runs; none is started. */
  clientIfRunning(): Promise<Client | null>;
  /** The bare connection of another LSP client, started through us. */
  socket(): ReturnType<typeof attach>;
}

export interface SiteOptions {
  readonly settings: ClientSettings;
  readonly onLog: (text: string) => void;
}

export function createSite(options: SiteOptions, signal: AbortSignal): Site {
  const opened: Client[] = [];
  const keep = async (client: Promise<Client>) => {
    opened.push(await client);
    return client;
  };
  const open = async () => openLine((await attach(deps("cli"), signal)).socket, options);
  return {
    client: () => keep(createClient(open)),
    async clientIfRunning() {
      const attached = await attachIfRunning(deps("cli"), signal);
      if (!attached) return null;
      const first = openLine(attached.socket, options);
      return keep(createClient(() => first));
    },
    socket: () => attach(deps("editor"), signal),
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((it) => it[Symbol.asyncDispose]()));
    },
  };
}

function deps(kind: ClientInfo["kind"]): Parameters<typeof attach>[0] {
  const client = { kind, pid: process.pid, version: packageVersion };
  return { client, start: startOrchestrator };
}

/** On this process's own Node, to stay when this process goes. */
function startOrchestrator(): ReturnType<typeof launch> {
  const entry = serverEntry();
  const logPath = join(stateFolder(), "orchestrator.log");
  return launch({
    program: process.execPath,
    entry,
    args: ["--shared"],
    env: process.env,
    logPath,
    cwd: dirname(logPath),
  });
}
