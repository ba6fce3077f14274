import { parseArgs } from "node:util";
import { engineEntry, packageVersion, wasmPath } from "./assets.ts";
import { createOpenEngine } from "./backends/open.ts";
import { TandemError } from "./errors.ts";
import { createFiles } from "./files.ts";
import { detectHardware } from "./gpu/detect.ts";
import { createLog } from "./log.ts";
import { catalogue } from "./models/catalogue.ts";
import { createModelStore } from "./models/store.ts";
import { cacheFolder } from "./platform/folders.ts";
import type { ClientInfo } from "./protocol/handshake.ts";
import { statusChanged } from "./protocol/requests.ts";
import { createSyntax } from "./syntax/treeSitter.ts";
import { type LspClient, serveLsp } from "./transport/lsp/serve.ts";
import { listenOn } from "./transport/socket.ts";
import { createWorld } from "./world.ts";

const USAGE = "usage: server --stdio | --socket PATH\n";
/** Engines are asked to leave; whatever has not left by then is left to its lifeline. */
const LEAVING_MS = 5_000;

// vscode-languageclient names its own process; nothing here needs it.
const { values } = parseArgs({
  options: { stdio: { type: "boolean" }, socket: { type: "string" }, clientProcessId: { type: "string" } },
});
const log = createLog(process.env.TANDEM_LOG_LEVEL ?? "info");
const clock = { nowMs: () => performance.now() };
const clients = new Set<LspClient>();
const leaving = new AbortController();
let door: AsyncDisposable | null = null;
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
  hardware: () => (hardware ??= detectHardware(log, leaving.signal)),
  version: packageVersion,
  service: () => ({ serve: unavailable, rotateKey: unavailable, stop: unavailable }),
  doors: () => ({ http: null, isDraining: false }),
  wasResident: () => false,
  onResidents: () => undefined,
});

function unavailable(): Promise<never> {
  return Promise.reject(
    new TandemError("not-configured", "This orchestrator is private to its client", "Use --shared"),
  );
}

async function leave(code: number): Promise<never> {
  leaving.abort();
  setTimeout(() => process.exit(code), LEAVING_MS).unref();
  await Promise.allSettled([door?.[Symbol.asyncDispose](), world[Symbol.asyncDispose]()]);
  process.exit(code);
}

function serve(
  input: NodeJS.ReadableStream & import("node:stream").Readable,
  output: import("node:stream").Writable,
): LspClient {
  const info: ClientInfo = { kind: "cli", pid: process.pid, version: packageVersion };
  const session = world.connect(info, (status) => client.notify(statusChanged, status));
  const client = serveLsp(input, output, { session, client: info, version: packageVersion, log });
  clients.add(client);
  void client.gone.then(() => clients.delete(client));
  return client;
}

process.on("uncaughtException", (error) => {
  log.error("bug", { stack: error.stack ?? error.message });
  void leave(1);
});
process.on("SIGTERM", () => void leave(0));

if (values.stdio) {
  // Ctrl-C in a terminal reaches the whole group; the client decides, and its going closes stdin.
  process.on("SIGINT", () => undefined);
  const client = serve(process.stdin, process.stdout);
  process.stdin.on("end", () => client.close());
  process.stdin.on("close", () => void leave(0));
  void client.gone.then(() => leave(0));
} else if (values.socket) {
  process.on("SIGINT", () => void leave(0));
  const path = values.socket;
  try {
    door = await listenOn(path, (socket) => {
      const client = serve(socket, socket);
      socket.on("error", (error) => log.debug("socket", { reason: error.message }));
      void client.gone.then(() => socket.destroy());
    });
    log.info("listening", { socket: path, pid: process.pid });
  } catch (error) {
    log.error("cannot listen", { socket: path, reason: error instanceof Error ? error.message : String(error) });
    await leave(1);
  }
} else {
  process.stderr.write(USAGE);
  process.exitCode = 2;
}
