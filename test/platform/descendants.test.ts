import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { withDescendants } from "../../server/platform/descendants.ts";
import { unixOnly } from "../setup/only.ts";

const never = "setInterval(() => {}, 1000)";
const CHILD = `
  const child = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(never)}]);
  console.log(child.pid);
  ${never}`;

test("a process with its children and theirs", { skip: unixOnly }, async () => {
  const child = spawn(process.execPath, ["-e", CHILD], { stdio: ["ignore", "pipe", "ignore"], detached: true });
  try {
    const [line] = await once(child.stdout, "data");
    const pids = await withDescendants(process.pid);
    assert.equal(pids[0], process.pid);
    for (const pid of [child.pid, Number(String(line))]) assert.ok(pids.includes(pid ?? 0), `${pid} in ${pids}`);
    assert.deepEqual(await withDescendants(Number(String(line))), [Number(String(line))]);
  } finally {
    process.kill(-(child.pid ?? 0), "SIGKILL");
  }
});
