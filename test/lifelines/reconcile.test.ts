import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { reconcile } from "../../server/lifelines/reconcile.ts";
import { createRegister, thisProcess } from "../../server/lifelines/register.ts";
import { silentLog } from "../fakes/log.ts";
import { unixOnly } from "../setup/only.ts";
import { gone, programs, running } from "./programs.ts";

const never = new AbortController().signal;
/** An orchestrator that is no more: the number may be anybody's now, the mark is nobody's. */
const DEAD = { pid: process.pid, mark: "of a dead one" };

let root: string;
let folder: string;
let other: ChildProcess;
let pid: number;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "tandem-reconcile-"));
});
after(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(root, "processes-"));
  other = spawn(process.execPath, [...programs.willing], { stdio: ["ignore", "pipe", "ignore"] });
  assert.ok(other.stdout);
  await once(other.stdout, "data");
  pid = other.pid ?? 0;
});
afterEach(() => {
  other.kill("SIGKILL");
});

for (const kind of ["engine", "shim"] as const)
  test(`${kind} of a dead orchestrator: ended, and its file removed`, async () => {
    await createRegister({ folder, owner: async () => DEAD }).add({ pid, kind, program: "p" });
    assert.deepEqual(await reconcile(folder, silentLog, never), { ended: [pid], removed: 0 });
    await gone([pid]);
    assert.deepEqual(await readdir(folder), []);
  });

test("a process of an orchestrator that runs is left alone, file and all", async () => {
  const remove = await createRegister({ folder, owner: thisProcess() }).add({ pid, kind: "engine", program: "p" });
  assert.deepEqual(await reconcile(folder, silentLog, never), { ended: [], removed: 0 });
  assert.deepEqual(await running([pid]), [pid]);
  assert.equal((await readdir(folder)).length, 1);
  await remove();
  assert.deepEqual(await readdir(folder), []);
});

test("a stranger that has the number now is never touched", async () => {
  for (const kind of ["engine", "shim", "foreign"] as const)
    await put(`1-${kind}.json`, { pid, mark: "another start", kind, program: "p", orchestrator: DEAD });
  assert.deepEqual(await reconcile(folder, silentLog, never), { ended: [], removed: 3 });
  assert.deepEqual(await running([pid]), [pid]);
  assert.deepEqual(await readdir(folder), []);
});

const damaged: readonly { name: string; text: (pid: number) => unknown }[] = [
  { name: "cut off", text: () => '{"pid":' },
  { name: "empty", text: () => "" },
  { name: "without a mark", text: (it) => ({ pid: it, kind: "engine", program: "p", orchestrator: DEAD }) },
  {
    name: "a mark that is empty",
    text: (it) => ({ pid: it, mark: "", kind: "engine", program: "p", orchestrator: DEAD }),
  },
  {
    name: "a number that means a whole group",
    text: (it) => ({ pid: -it, mark: "x", kind: "foreign", program: "p", orchestrator: DEAD }),
  },
];
for (const { name, text } of damaged)
  test(`a file that is ${name}: nothing is ended on its word`, async () => {
    await put("1-2.json", text(pid));
    assert.deepEqual(await reconcile(folder, silentLog, never), { ended: [], removed: 1 });
    assert.deepEqual(await running([pid]), [pid]);
    assert.deepEqual(await readdir(folder), []);
  });

test("a file that others could have written ends nobody", { skip: unixOnly }, async () => {
  await createRegister({ folder, owner: async () => DEAD }).add({ pid, kind: "engine", program: "p" });
  const [name] = await readdir(folder);
  await chmod(join(folder, name ?? ""), 0o666);
  assert.deepEqual(await reconcile(folder, silentLog, never), { ended: [], removed: 1 });
  assert.deepEqual(await running([pid]), [pid]);
});

test("a file that was never finished goes when its writer is dead", async () => {
  const ended = spawn(process.execPath, ["-e", ""]);
  await once(ended, "close");
  await put(`${ended.pid}-7.json.abc.tmp`, "{");
  await put(`${process.pid}-7.json.abc.tmp`, "{");
  assert.deepEqual(await reconcile(folder, silentLog, never), { ended: [], removed: 1 });
  assert.deepEqual(await readdir(folder), [`${process.pid}-7.json.abc.tmp`]);
});

test("no folder, nothing to do", async () => {
  assert.deepEqual(await reconcile(join(folder, "none"), silentLog, never), { ended: [], removed: 0 });
});

async function put(name: string, content: unknown): Promise<void> {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  await writeFile(join(folder, name), text, { mode: 0o600 });
}
