import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { shimEntry } from "../../server/assets.ts";
import { TandemError } from "../../server/errors.ts";
import { type Foreign, startForeign } from "../../server/lifelines/foreign.ts";
import { reconcile } from "../../server/lifelines/reconcile.ts";
import { createRegister, type Register, readRegister, thisProcess } from "../../server/lifelines/register.ts";
import { recordingLog, silentLog } from "../fakes/log.ts";
import { unixOnly } from "../setup/only.ts";
import { firstLine, gone, programs, running, until } from "./programs.ts";

const never = new AbortController().signal;
const PARENT = fileURLToPath(new URL("./parent.ts", import.meta.url));

let folder: string;
let register: Register;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-lifelines-"));
  register = createRegister({ folder: join(folder, "own"), owner: thisProcess() });
});
after(() => rm(folder, { recursive: true, force: true }));

test("a program's number, words and exit code come through, and nothing stays written down", async () => {
  await using foreign = await start(programs.brief);
  assert.notEqual(foreign.pid, process.pid);
  assert.deepEqual(await foreign.gone, { exitCode: 7, signal: null });
  assert.match(foreign.lastWords(), /some last words/);
  await nothingWritten(register.folder);
});

test("a program that is killed says by what", { skip: unixOnly }, async () => {
  await using foreign = await start(programs.willing);
  process.kill(foreign.pid, "SIGKILL");
  assert.deepEqual(await foreign.gone, { exitCode: null, signal: "SIGKILL" });
});

test("no such program: the path is named", async () => {
  await assert.rejects(start([], join(folder, "none")), (error) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.code, "not-configured");
    assert.match(error.message, /none cannot be started: .*ENOENT/);
    return true;
  });
  await nothingWritten(register.folder);
});

for (const kind of ["willing", "stubborn"] as const)
  test(`disposed: a ${kind} program and its watchdog are gone`, async () => {
    const foreign = await start(programs[kind]);
    const written = await writtenDown(register.folder);
    assert.deepEqual(written.map((it) => it.kind).sort(), ["foreign", "shim"]);
    assert.ok(written.some((it) => it.pid === foreign.pid));
    await foreign[Symbol.asyncDispose]();
    assert.deepEqual(await running(written.map((it) => it.pid)), []);
    await nothingWritten(register.folder);
  });

test("cancelled before it started: nothing stays behind", async () => {
  const controller = new AbortController();
  const starting = start(programs.willing, process.execPath, controller.signal);
  controller.abort();
  await assert.rejects(starting, (error) => error instanceof TandemError && error.code === "cancelled");
  await nothingWritten(register.folder);
});

test("the watchdog is killed: its program is ended", { skip: unixOnly }, async () => {
  const log = recordingLog();
  await using foreign = await start(programs.willing, process.execPath, never, log);
  const shim = (await writtenDown(register.folder)).find((it) => it.kind === "shim");
  process.kill(shim?.pid ?? 0, "SIGKILL");
  await foreign.gone;
  assert.deepEqual(await running([foreign.pid]), []);
  assert.match(log.lines.join("\n"), /watchdog was killed/);
  await nothingWritten(register.folder);
});

for (const kind of ["willing", "stubborn"] as const)
  test(`the orchestrator is killed: a ${kind} program and its watchdog are gone`, async () => {
    const place = join(folder, `killed-${kind}`);
    const { orchestrator, pids } = await orphanage(place, programs[kind]);
    orchestrator.kill("SIGKILL");
    await gone(pids);
    // Its files are left; the next start removes them.
    assert.deepEqual(await reconcile(place, silentLog, never), { ended: [], removed: 2 });
    await nothingWritten(place);
  });

test("orchestrator and watchdog are killed at once: the next start ends the program", { skip: unixOnly }, async () => {
  const place = join(folder, "both");
  const { orchestrator, pid, shim } = await orphanage(place, programs.willing);
  // Stopped first, so that neither sees the other's end.
  for (const name of ["SIGSTOP", "SIGKILL"] as const) {
    process.kill(shim, name);
    orchestrator.kill(name);
  }
  await gone([shim, orchestrator.pid ?? 0]);
  assert.deepEqual(await running([pid]), [pid], "nobody ends it yet");
  assert.deepEqual(await reconcile(place, silentLog, never), { ended: [pid], removed: 1 });
  assert.deepEqual(await running([pid]), []);
  await nothingWritten(place);
});

async function start(
  args: readonly string[],
  program = process.execPath,
  signal: AbortSignal = never,
  log = silentLog,
): Promise<Foreign> {
  const env = { PATH: process.env.PATH ?? "" };
  return startForeign({ program, args, env, shimPath: shimEntry(), register, log }, signal);
}

/** An orchestrator of its own with a program; both are written down when it returns. */
async function orphanage(place: string, args: readonly string[]) {
  const orchestrator = spawn(process.execPath, [PARENT, place, process.execPath, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pid = Number(await firstLine(orchestrator));
  const written = await writtenDown(place);
  const shim = written.find((it) => it.kind === "shim")?.pid ?? 0;
  assert.deepEqual((await running([pid, shim])).sort(), [pid, shim].sort());
  return { orchestrator, pid, shim, pids: [pid, shim] };
}

/** Program and watchdog, once both are written down. */
async function writtenDown(place: string) {
  const read = async () => (await readRegister(place)).flatMap(({ entry }) => (entry === null ? [] : [entry]));
  await until("both are written down", async () => (await read()).length === 2);
  return read();
}

async function nothingWritten(place: string): Promise<void> {
  assert.deepEqual(await readdir(place).catch(() => []), []);
}
