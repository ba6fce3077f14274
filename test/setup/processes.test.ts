import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { allGone, below, descendants, family, parsePowerShell, parsePs, stillRunning } from "./processes.ts";

const PS_LINUX = `      1       0       1 Ss   /sbin/init splash
    203       1     203 Ssl  node server.js --flag "a b"
    204     203     203 S    (worker)
    205     203     203 Z    [node] <defunct>
`;
const PS_MACOS = `    1     0     1 Ss   /sbin/launchd
  203     1   203 S+   /Applications/Google Chrome.app/Contents/MacOS/Google Chrome --headless
`;

test("ps: what runs, with its command whole; dead ones left out", () => {
  assert.deepEqual(parsePs(PS_LINUX), [
    { pid: 1, parent: 0, group: 1, command: "/sbin/init splash" },
    { pid: 203, parent: 1, group: 203, command: 'node server.js --flag "a b"' },
    { pid: 204, parent: 203, group: 203, command: "(worker)" },
  ]);
  assert.equal(
    parsePs(PS_MACOS)[1]?.command,
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome --headless",
  );
});

test("PowerShell: a parent that is younger than its child is none", () => {
  const text = JSON.stringify([
    { pid: 4, parent: 0, start: 0, command: null },
    { pid: 100, parent: 4, start: 1_000, command: "C:\\Program Files\\node.exe a" },
    { pid: 101, parent: 100, start: 2_000, command: "node b" },
    { pid: 102, parent: 103, start: 2_000, command: "its parent's number went to another" },
    { pid: 103, parent: 4, start: 3_000, command: "the other" },
    { pid: 104, parent: 99, start: 3_000, command: "its parent has gone" },
  ]);
  assert.deepEqual(
    parsePowerShell(text).map(({ pid, parent, group }) => [pid, parent, group]),
    [
      [4, 0, 0],
      [100, 4, 0],
      [101, 100, 0],
      [102, 0, 0],
      [103, 4, 0],
      [104, 0, 0],
    ],
  );
});

test("what is below: at any depth, once, and without the roots", () => {
  const table = [
    [1, 0],
    [2, 1],
    [3, 2],
    [4, 2],
    [5, 9],
    [6, 6],
  ].map(([pid = 0, parent = 0]) => ({ pid, parent, group: 0, command: "" }));
  const pids = (roots: readonly number[]) =>
    below(table, roots)
      .map((it) => it.pid)
      .sort();
  assert.deepEqual([pids([1]), pids([2, 1]), pids([3]), pids([6])], [[2, 3, 4], [3, 4], [], []]);
});

test("this machine's own table: a child is there, is ours, and then is not", async (t) => {
  const child = spawn(process.execPath, ["-e", "console.log(1); setInterval(() => {}, 1e6)"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const pid = child.pid ?? 0;
  await once(child.stdout, "data");
  assert.ok((await descendants(process.pid)).includes(pid));
  const [found] = await family(pid, AbortSignal.timeout(20_000));
  assert.match(found?.command ?? "", /setInterval/);
  assert.deepEqual(await stillRunning([pid]), [pid]);
  child.kill("SIGKILL");
  await allGone([pid]);
});
