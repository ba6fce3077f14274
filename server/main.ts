import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageVersion } from "./assets.ts";
import { createJournal } from "./journal/journal.ts";
import { behindAnswers } from "./journal/queue.ts";
import { createLog } from "./log.ts";
import { createOrchestrator, type Orchestrator } from "./orchestrator.ts";
import { stateFolder } from "./platform/folders.ts";
import { claim } from "./rendezvous/claim.ts";
import { HELD_EXIT_CODE } from "./rendezvous/launch.ts";
import { namesOf } from "./rendezvous/names.ts";
import { openSharedDoor, type SharedDoor } from "./shared.ts";

const USAGE = "usage: server --shared | --stdio\n";
/** Engines are asked to leave; whatever has not left by then is left to its lifeline. */
const LEAVING_MS = 5_000;

const { values } = parseArgs({ options: { shared: { type: "boolean" }, stdio: { type: "boolean" } } });
if (values.shared !== true && values.stdio !== true) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const log = createLog(process.env.TANDEM_LOG_LEVEL ?? "info");
let orchestrator = null as Orchestrator | null;
let door = null as SharedDoor | null;
let isLeaving = false;
process.on("uncaughtException", (error) => {
  log.error("bug", { stack: error.stack ?? error.message });
  void leave(1);
});
process.on("SIGTERM", () => void leave(0));

const held = values.shared ? await claim(namesOf()) : null;
if (values.shared && !held) process.exit(HELD_EXIT_CODE);
// One that is private to its client is no heir of the shared one's.
const journal = await createJournal({
  folder: held ? stateFolder() : join(stateFolder(), "private"),
  log,
  wallMs: Date.now,
  later: behindAnswers(),
});
if (journal.lastLife?.isClean === false) log.warn("the last orchestrator died", { ...journal.lastLife });
const serving = createOrchestrator({ log, journal, leaveNow: () => void leave(0), makeRoom });
orchestrator = serving;

/** What the next orchestrator needs is let go; the clients that are here stay until their requests are done. */
async function makeRoom(): Promise<void> {
  await Promise.all([orchestrator?.closeHttp(), door?.[Symbol.asyncDispose]()]);
}

/** Engines first, then the place among this user's processes: the next orchestrator finds the GPU free. */
async function leave(code: number): Promise<void> {
  if (isLeaving) return;
  isLeaving = true;
  setTimeout(() => process.exit(code), LEAVING_MS).unref();
  door?.close();
  await orchestrator?.end(code === 0 ? "cleanly" : "after a bug");
  await door?.[Symbol.asyncDispose]();
  process.exit(code);
}

if (held) {
  process.on("SIGINT", () => void leave(0));
  door = await openSharedDoor(held, {
    life: serving.life,
    log,
    version: packageVersion,
    onDraining: makeRoom,
    onClient: (socket, client) => void serving.serve(socket, socket, client),
  });
} else {
  // For one client that has started this process itself: nobody else finds it, and it goes with its client.
  // Ctrl-C in a terminal reaches the whole group; the client decides, and its going closes stdin.
  process.on("SIGINT", () => undefined);
  const { stdin, stdout, ppid } = process;
  const client = serving.serve(stdin, stdout, { kind: "editor", pid: ppid, version: packageVersion });
  void client.gone.then(() => leave(0));
}
log.info("leaving", { why: await serving.life.over });
door?.close();
// Who asks over HTTP is no client that is waited for; what is being answered is finished all the same.
await serving.closeHttp();
await leave(0);
