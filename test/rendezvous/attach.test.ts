import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { writePrivateFile } from "../../server/platform/privateFile.ts";
import { isAlive, startMark } from "../../server/platform/processes.ts";
import type { RefusalCode } from "../../server/protocol/handshake.ts";
import { type AttachDeps, type Attached, attach, attachIfRunning } from "../../server/rendezvous/attach.ts";
import { claim } from "../../server/rendezvous/claim.ts";
import { ownEndpoint } from "../../server/rendezvous/endpoint.ts";
import { receive } from "../../server/rendezvous/handshake.ts";
import { HELD_EXIT_CODE, launch } from "../../server/rendezvous/launch.ts";
import { rootOnly, unixOnly } from "../setup/only.ts";
import { client, type Place, place, VERSION } from "./place.ts";
import { closing } from "./wire.ts";

const signal = AbortSignal.timeout(120_000);

/** A place whose orchestrators are ended with the test. */
async function stage(t: TestContext) {
  const here = await place(t);
  const pids: number[] = [];
  const start: Place["start"] = async (extra) => {
    const started = await here.start(extra);
    pids.push(started.pid);
    return started;
  };
  t.after(async () => {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    while (pids.some(isAlive)) await new Promise((resolve) => setImmediate(resolve));
  });
  const reach = async (deps: Partial<AttachDeps> = {}): Promise<Attached> => {
    const attached = await attach({ client, names: here.names, start: () => start(), ...deps }, signal);
    t.after(() => attached.socket.destroy());
    return attached;
  };
  return { ...here, start, pids, reach };
}

/** Which process is at the other end, by its own word, and whether it sends back what it is sent. */
async function served({ socket }: Attached): Promise<number> {
  const lines = createInterface(socket);
  const [pid] = await once(lines, "line");
  socket.write("hello there\n");
  assert.deepEqual(await once(lines, "line"), ["hello there"]);
  return Number(pid);
}

const noStart = () => Promise.reject(new Error("nothing is to be started here"));

test("the first client starts it, the next one finds it", async (t) => {
  const { reach, names } = await stage(t);
  assert.equal(await attachIfRunning({ client, names }, signal), null);
  const first = await reach();
  const second = await reach({ start: noStart });
  const third = await attachIfRunning({ client, names }, signal);
  assert.ok(third);
  assert.deepEqual([first.startedByUs, second.startedByUs, third.startedByUs], [true, false, false]);
  assert.equal(first.version, VERSION);
  assert.equal(first.startMark, await startMark(first.pid));
  for (const it of [first, second, third]) {
    assert.equal(it.pid, first.pid);
    assert.equal(await served(it), first.pid);
  }
  third.socket.destroy();
});

test("killed, it is replaced, whatever lies about", async (t) => {
  const { reach } = await stage(t);
  const first = await reach();
  const gone = closing(first.socket);
  process.kill(first.pid, "SIGKILL");
  await gone;
  const second = await reach();
  assert.notEqual(second.pid, first.pid);
  assert.equal(second.startedByUs, true);
  assert.equal(await served(second), second.pid);
});

test("candidates at the same instant: the losers exit with 3, and who started one of them uses the winner", async (t) => {
  const { start, reach } = await stage(t);
  const candidates = await Promise.all([start(), start(), start()]);
  const reached = await Promise.all(candidates.map((it) => reach({ start: () => Promise.resolve(it) })));
  const winner = reached[0]?.pid;
  assert.deepEqual(new Set(reached.map((it) => it.pid)), new Set([winner]));
  const losers = candidates.filter((it) => it.pid !== winner);
  assert.equal(losers.length, 2);
  for (const it of losers) assert.equal((await it.exited).code, HELD_EXIT_CODE);
  for (const it of reached) assert.equal(await served(it), winner);
});

const leftovers: readonly { name: string; leave: (place: Place) => Promise<void> }[] = [
  { name: "an endpoint file with garbage", leave: ({ names }) => writePrivateFile(names.endpoint, '{"pid":') },
  {
    name: "the endpoint of one that died, whose number this process has",
    leave: async ({ names }) => {
      const endpoint = await ownEndpoint(`${names.folder}/gone.sock`, VERSION);
      await writePrivateFile(names.endpoint, JSON.stringify({ ...endpoint, startMark: "another boot 1" }));
    },
  },
  {
    name: "the mark of a starter that died",
    leave: ({ names }) => writeFile(names.marker, String(spawnSync(process.execPath, ["-v"]).pid)),
  },
];

for (const { name, leave } of leftovers)
  test(`${name} is in nobody's way`, async (t) => {
    const here = await stage(t);
    await mkdir(here.names.folder, { recursive: true, mode: 0o700 });
    await leave(here);
    const attached = await here.reach();
    assert.equal(attached.startedByUs, true);
    assert.equal(await served(attached), attached.pid);
  });

test("one that crashes while it starts: its exit code and last words are told", async (t) => {
  const { reach, start, logPath } = await stage(t);
  await mkdir(dirname(logPath), { recursive: true });
  await writeFile(logPath, "words of an earlier one\n");
  await assert.rejects(reach({ start: () => start({ TEST_CRASH: "no such library" }) }), (error: Error) => {
    assert.match(error.message, /exit code 7.*no such library/s);
    assert.doesNotMatch(error.message, /earlier/);
    return "nextStep" in error && String(error.nextStep).includes(logPath);
  });
  assert.equal(await served(await reach()), (await reach()).pid, "and the next attempt is free to succeed");
});

test("one that is killed while it starts is started again", async (t) => {
  const { reach, start, pids } = await stage(t);
  const startAndKill = async () => {
    const started = await start();
    if (pids.length === 1) process.kill(started.pid, "SIGKILL");
    return started;
  };
  const attached = await reach({ start: startAndKill });
  assert.equal(await served(attached), pids[1]);
});

test("a program that is not there: what could not be run, and where to look", async (t) => {
  const { reach, logPath, folder } = await stage(t);
  const start = () => launch({ program: `${folder}/none`, entry: "x", env: {}, logPath, cwd: folder });
  await assert.rejects(reach({ start }), { code: "not-configured", nextStep: /none/ });
});

test("a newer client gets its own version, when the older one's clients have gone", async (t) => {
  const { reach, start, logPath } = await stage(t);
  const old = await reach();
  const newer = { ...client, version: "1.3.0" };
  const reaching = reach({ client: newer, start: () => start({ TEST_VERSION: "1.3.0" }) });
  while (!(await readFile(logPath, "utf8")).includes("draining")) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await served(old), old.pid, "who is there is served on");
  await assert.rejects(reach({ deadlineMs: 500 }), { code: "shutting-down" });
  old.socket.destroy();
  const attached = await reaching;
  assert.equal(attached.version, "1.3.0");
  assert.notEqual(attached.pid, old.pid);
  const older = await reach({ start: noStart });
  assert.equal(older.pid, attached.pid, "and serves the older clients too");
});

test("one that hangs is not started beside, and named when the time is over", { skip: unixOnly }, async (t) => {
  const { reach, names } = await stage(t);
  const { pid } = await reach();
  process.kill(pid, "SIGSTOP");
  const nextStep = new RegExp(`End process ${pid}`);
  await assert.rejects(reach({ start: noStart, deadlineMs: 300 }), { code: "timeout", nextStep });
  await assert.rejects(attach({ client, names, start: noStart }, AbortSignal.timeout(100)), { name: "TandemError" });
});

/** An orchestrator in this process that refuses everybody. */
async function refusing(t: TestContext, code: RefusalCode, message: string): Promise<Place> {
  const here = await place(t);
  const held = await claim(here.names);
  assert.ok(held);
  const endpoint = await ownEndpoint(held.socket, "9.0.0");
  const options = { ...endpoint, decide: () => ({ tandem: "refused", code, message }) as const };
  const server = createServer((socket) => void receive(socket, options, signal));
  await once(server.listen(held.socket), "listening");
  await held.announce(endpoint);
  t.after(async () => {
    server.close();
    await held.release();
  });
  return here;
}

const refusals: readonly { code: RefusalCode; want: { code: string; nextStep: RegExp } }[] = [
  { code: "full", want: { code: "provider", nextStep: /Close a window/ } },
  { code: "protocol", want: { code: "not-configured", nextStep: /version 9\.0\.0.*reload the window/ } },
  { code: "wrong-proof", want: { code: "not-configured", nextStep: /End process \d+/ } },
];

for (const { code, want } of refusals)
  test(`refused as ${code}: told at once, with what to do`, async (t) => {
    const { names } = await refusing(t, code, `no: ${code}`);
    const expected = { name: "TandemError", message: `no: ${code}`, ...want };
    await assert.rejects(attach({ client, names, start: noStart }, signal), expected);
    await assert.rejects(attachIfRunning({ client, names }, signal), expected);
  });

test("one that is leaving: nobody attaches, nobody starts another beside it", async (t) => {
  const { names } = await refusing(t, "leaving", "about to go");
  assert.equal(await attachIfRunning({ client, names }, signal), null);
  const expected = { code: "shutting-down", nextStep: /tandem stop/ };
  await assert.rejects(attach({ client, names, start: noStart, deadlineMs: 300 }, signal), expected);
});

test("it stays in its own session and folder, and its log is private", { skip: unixOnly }, async (t) => {
  const { reach, folder, logPath } = await stage(t);
  const { pid } = await reach();
  assert.equal((await stat(logPath)).mode & 0o777, 0o600);
  if (process.platform !== "linux") return;
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
  assert.equal(Number(fields[3]), pid, "it leads a session");
  assert.equal(await realpath(`/proc/${pid}/cwd`), await realpath(folder));
});

test("a runtime folder or an endpoint that others can write is refused", {
  skip: rootOnly,
}, async (t) => {
  const { names, reach } = await stage(t);
  await mkdir(names.folder, { recursive: true, mode: 0o700 });
  await writePrivateFile(names.endpoint, "{}");
  await chmod(names.endpoint, 0o644);
  await assert.rejects(reach({ start: noStart }), { code: "not-configured", message: /can be read by others/ });
  await chown(names.folder, 65_534, 65_534);
  await assert.rejects(reach({ start: noStart }), { code: "not-configured", message: /belongs to another user/ });
});

test("giving up while it waits", async (t) => {
  const { names } = await refusing(t, "leaving", "about to go");
  const stop = AbortSignal.timeout(50);
  await assert.rejects(attach({ client, names, start: noStart }, stop), { name: "TandemError" });
});
