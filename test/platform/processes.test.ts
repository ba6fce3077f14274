import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { endProcess, isAlive, startMark } from "../../server/platform/processes.ts";
import { linuxOnly, unixOnly } from "../setup/only.ts";

const execute = promisify(execFile);
const isUnix = process.platform !== "win32";
const signal = AbortSignal.timeout(60_000);
/** Reports when its script has run, and stays. */
const STAYING = 'console.log("ready"); setInterval(() => {}, 1_000);';

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly gone: Promise<unknown[]>;
}

async function run(t: TestContext, script = ""): Promise<Running> {
  const child = spawn(process.execPath, ["-e", script + STAYING], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const gone = once(child, "exit");
  await once(child.stdout, "data");
  return { child, pid: child.pid ?? 0, gone };
}

test("a process has one mark for its life, and no other process has it", async (t) => {
  const { child, pid, gone } = await run(t);
  const mark = await startMark(pid);
  assert.ok(mark);
  assert.equal(await startMark(pid), mark);
  assert.notEqual(await startMark(process.pid), mark);
  assert.equal(isAlive(pid), true);
  child.kill("SIGKILL");
  await gone;
  assert.equal(await startMark(pid), null);
  assert.equal(isAlive(pid), false);
});

test("a program's name cannot forge it", { skip: linuxOnly }, async (t) => {
  const plain = await run(t);
  const forged = await run(t, 'process.title = "a) Z 1 (b";');
  const marks = await Promise.all([plain, forged].map((it) => startMark(it.pid)));
  assert.match(marks[1] ?? "", /^[0-9a-f-]{36} \d+$/);
  assert.notEqual(marks[0], marks[1]);
});

test("the mark is the same for a reader in another time zone and language", async (t) => {
  const { pid } = await run(t);
  const url = import.meta.resolve("../../server/platform/processes.ts");
  const script = `import { startMark } from ${JSON.stringify(url)}; console.log(await startMark(${pid}));`;
  const env = { ...process.env, TZ: "Asia/Kolkata", LC_ALL: "de_DE.UTF-8" };
  const { stdout } = await execute(process.execPath, ["--input-type=module", "-e", script], { env });
  assert.equal(stdout.trim(), await startMark(pid));
});

test("a dead process that nobody has collected is not there", { skip: linuxOnly }, async (t) => {
  // The child lives until its parent has become a program that never collects: a shell might still collect it.
  // By a descriptor of its own, since a shell gives what it starts in the background no standard input.
  const script = "exec 3<&0; cat <&3 >/dev/null & echo $!; exec sleep 60";
  const shell = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => shell.kill("SIGKILL"));
  const [line] = await once(createInterface(shell.stdout), "line");
  const pid = Number(line);
  while ((await readFile(`/proc/${shell.pid}/comm`, "utf8")).trim() !== "sleep") await nextTurn();
  shell.stdin.end();
  while (isAlive(pid)) await nextTurn();
  assert.equal(process.kill(pid, 0), true, "its number is taken all the same");
  assert.equal(await startMark(pid), null);
});

test("it is asked to leave", async (t) => {
  const { pid, gone } = await run(t, 'process.on("SIGTERM", () => process.exit(5));');
  const mark = (await startMark(pid)) ?? "";
  assert.equal(await endProcess(pid, mark, { graceMs: 30_000 }, signal), "ended");
  const [code] = await gone;
  if (isUnix) assert.equal(code, 5);
});

test("it is killed when it does not leave", { skip: unixOnly }, async (t) => {
  const { pid, gone } = await run(t, 'process.on("SIGTERM", () => {});');
  const mark = (await startMark(pid)) ?? "";
  assert.equal(await endProcess(pid, mark, { graceMs: 50 }, signal), "ended");
  assert.deepEqual(await gone, [null, "SIGKILL"]);
});

test("another process that has its number now is left alone", async (t) => {
  const { pid } = await run(t, 'process.on("SIGTERM", () => process.exit(5));');
  const mark = (await startMark(pid)) ?? "";
  assert.equal(await endProcess(pid, `${mark}0`, { graceMs: 0 }, signal), "stranger");
  assert.equal(await startMark(pid), mark);
});

test("the wait is given up when the signal fires; the process is not killed", { skip: unixOnly }, async (t) => {
  const { pid } = await run(t, 'process.on("SIGTERM", () => console.log("asked"));');
  const mark = (await startMark(pid)) ?? "";
  const stop = AbortSignal.timeout(100);
  await assert.rejects(endProcess(pid, mark, { graceMs: 60_000 }, stop), { name: "TandemError" });
  assert.equal(await startMark(pid), mark);
});
