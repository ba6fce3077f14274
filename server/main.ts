import type { Readable, Writable } from "node:stream";
import { parseArgs } from "node:util";
import { engineEntry, packageVersion, wasmPath } from "./assets.ts";
import { createOpenEngine } from "./backends/open.ts";
import { createFiles } from "./files.ts";
import { detectHardware } from "./gpu/detect.ts";
import { createHttpDoors } from "./httpDoors.ts";
import { createLife, DRAIN_MS, graceMsFrom } from "./life.ts";
import { createLog } from "./log.ts";
import { catalogue } from "./models/catalogue.ts";
import { createModelStore } from "./models/store.ts";
import { cacheFolder, stateFolder } from "./platform/folders.ts";
import type { ClientInfo } from "./protocol/handshake.ts";
import { moving, statusChanged } from "./protocol/requests.ts";
import { HELD_EXIT_CODE } from "./rendezvous/launch.ts";
import { createService } from "./service.ts";
import { openSharedDoor, type SharedDoor } from "./shared.ts";
import { createSyntax } from "./syntax/treeSitter.ts";
import { type LspClient, serveLsp } from "./transport/lsp/serve.ts";
import { createWorld } from "./world.ts";

const USAGE = "usage: server --shared | --stdio\n";
/** Engines are asked to leave; whatever has not left by then is left to its lifeline. */
const LEAVING_MS = 5_000;

const { values } = parseArgs({ options: { shared: { type: "boolean" }, stdio: { type: "boolean" } } });
const log = createLog(process.env.TANDEM_LOG_LEVEL ?? "info");
const clock = { nowMs: () => performance.now() };
const stopping = new AbortController();
const httpDoors = createHttpDoors();
const life = createLife({ log, graceMs: graceMsFrom(process.env), drainMs: DRAIN_MS });
const clients = new Set<LspClient>();
let door = null as SharedDoor | null;
let hardware: ReturnType<typeof detectHardware> | null = null;

const world = createWorld({
  clock,
  log,
  catalogue,
  syntax: createSyntax({ wasmPath }),
  files: createFiles(),
  store: createModelStore({ folder: cacheFolder(), log, clock }),
  openEngine: createOpenEngine({
    log,
    childPath: engineEntry(),
    recognise: (name) => catalogue.find((it) => it.id === name) ?? null,
  }),
  hardware: () => (hardware ??= detectHardware(log, stopping.signal)),
  version: packageVersion,
  service: createService({
    httpDoors,
    life,
    log,
    version: packageVersion,
    stateFolder: stateFolder(),
    connectHttp: () => world.connect(null, () => undefined),
    leaveNow: () => void leave(0),
    makeRoom,
  }),
  doors: () => ({ http: httpDoors.url(), isDraining: life.isDraining }),
  wasResident: () => false,
  onResidents: () => undefined,
});

/** What the next orchestrator needs is let go; the clients that are here stay until their requests are done. */
async function makeRoom(): Promise<void> {
  await httpDoors[Symbol.asyncDispose]();
  await door?.[Symbol.asyncDispose]();
}

let isLeaving = false;

/** Engines first, then the place among this user's processes: the next orchestrator finds the GPU free. */
async function leave(code: number): Promise<void> {
  if (isLeaving) return;
  isLeaving = true;
  stopping.abort();
  setTimeout(() => process.exit(code), LEAVING_MS).unref();
  door?.close();
  for (const client of clients) client.close();
  await Promise.allSettled([httpDoors[Symbol.asyncDispose](), world[Symbol.asyncDispose]()]);
  await door?.[Symbol.asyncDispose]();
  process.exit(code);
}

function serve(input: Readable, output: Writable, info: ClientInfo): LspClient {
  const session = world.connect(info, (status) => client.notify(statusChanged, status));
  const client = serveLsp(input, output, { session, client: info, version: packageVersion, log });
  const tap = log.tap((level, text) => client.log(level === "debug" ? "info" : level, text));
  clients.add(client);
  void client.gone.then(() => {
    clients.delete(client);
    tap[Symbol.dispose]();
  });
  return client;
}

async function serveEverybody(): Promise<void> {
  process.on("SIGINT", () => void leave(0));
  door = await openSharedDoor({
    life,
    log,
    version: packageVersion,
    onDraining: makeRoom,
    onClient(socket, info) {
      const client = serve(socket, socket, info);
      log.info("client", { kind: info.kind, client: info.pid, clients: clients.size });
      const drain = (why: Parameters<typeof life.drain>[0]) => {
        client.notify(moving, why);
        client.drain();
      };
      life.enter({ gone: client.gone, drain });
    },
  });
  if (!door) process.exit(HELD_EXIT_CODE);
  log.info("leaving", { why: await life.over });
  await leave(0);
}

/** For one client that has started this process itself: nobody else finds it, and it goes with its client. */
function serveStarter(): void {
  // Ctrl-C in a terminal reaches the whole group; the client decides, and its going closes stdin.
  process.on("SIGINT", () => undefined);
  const client = serve(process.stdin, process.stdout, { kind: "editor", pid: process.ppid, version: packageVersion });
  life.enter({ gone: client.gone, drain: () => client.drain() });
  void client.gone.then(() => leave(0));
}

process.on("uncaughtException", (error) => {
  log.error("bug", { stack: error.stack ?? error.message });
  void leave(1);
});
process.on("SIGTERM", () => void leave(0));

if (values.shared) await serveEverybody();
else if (values.stdio) serveStarter();
else {
  process.stderr.write(USAGE);
  process.exit(2);
}
