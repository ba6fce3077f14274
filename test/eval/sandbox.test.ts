import assert from "node:assert/strict";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { EvalTask } from "../../server/core/eval/task.ts";
import { grade } from "../../server/eval/grade.ts";
import { createSandbox, MOST_OUTPUT } from "../../server/eval/sandbox.ts";
import { findToolchain, type Toolchain } from "../../server/eval/toolchains.ts";
import { isAlive } from "../../server/platform/processes.ts";

const never = new AbortController().signal;
const folder = await realpath(await mkdtemp(join(tmpdir(), "tandem-sandbox-")));
after(() => rm(folder, { recursive: true }));
const sandbox = await createSandbox(never);
const isConfined = sandbox.says.some((it) => it.startsWith("without network"));
const isReadOnly = sandbox.says.some((it) => it.startsWith("kept from writing"));

async function node(script: string, timeoutMs = 10_000, signal = never) {
  const given = { program: process.execPath, args: ["-e", script], folder, timeoutMs, memoryBytes: null };
  return sandbox.run(given, signal);
}

test("none of this session's variables are there, and home is the task's own folder", async () => {
  process.env.TANDEM_TEST_SECRET = "s3cret";
  const ran = await node("console.log(JSON.stringify(process.env))");
  delete process.env.TANDEM_TEST_SECRET;
  assert.equal(ran.exitCode, 0, ran.output);
  assert.ok(!ran.output.includes("s3cret"));
  assert.equal(JSON.parse(ran.output).HOME, folder);
});

test("what does not end is ended, and nothing that it started lives on", {
  skip: process.platform === "win32",
}, async () => {
  const script = `
    const child = require("node:child_process").spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
    require("node:fs").writeFileSync("pids", String(child.pid)); child.unref(); setInterval(() => {}, 1000);`;
  const ran = await node(script, 1_500);
  assert.equal(ran.isTimedOut, true);
  assert.equal(ran.exitCode, null);
  // In a name space of its own the number is not ours to look for; there its end is the kernel's business.
  if (!isConfined) return;
  const pid = Number(await readFile(join(folder, "pids"), "utf8"));
  assert.ok(pid < 100, "processes outside are out of sight");
});

test("a child in the background that holds the output does not hold up who waits", {
  skip: process.platform === "win32",
}, async () => {
  const ran = await sandbox.run(
    {
      program: "/bin/sh",
      args: ["-c", "sleep 300 & echo $! > child; echo said"],
      folder,
      timeoutMs: 20_000,
      memoryBytes: null,
    },
    never,
  );
  assert.deepEqual([ran.exitCode, ran.output.trim()], [0, "said"]);
  const child = Number(await readFile(join(folder, "child"), "utf8"));
  if (!isConfined) assert.ok(!isAlive(child));
});

test("output is read to its end and kept in part, its beginning and its end", async () => {
  const ran = await node('process.stdout.write("begin" + "x".repeat(5e6)); process.stdout.write("the end")');
  assert.equal(ran.exitCode, 0);
  assert.ok(ran.output.length < MOST_OUTPUT + 100, `${ran.output.length} characters`);
  assert.match(ran.output, /^begin/);
  assert.match(ran.output, /the end$/);
});

test("a large file cannot be written", { skip: process.platform === "win32" }, async () => {
  const ran = await node('require("node:fs").writeFileSync("large", Buffer.alloc(80 * 1024 * 1024))');
  assert.notEqual(ran.exitCode, 0);
});

test("memory is limited", { skip: process.platform !== "linux" }, async () => {
  const python = await findToolchain("python");
  if ("missing" in python) return;
  const task = { ...TASK, language: "python", file: "solution.py", tests: "x = bytearray(4 * 1024 ** 3)" } as const;
  const graded = await grade({ task, text: "", toolchain: python, sandbox }, never);
  assert.equal(graded.kind, "failed");
  assert.match(graded.kind === "failed" ? graded.why : "", /MemoryError/);
});

test("there is no network where it says so", { skip: !isConfined }, async () => {
  await using server = createServer((_, response) => response.end("reached"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const ran = await node(`fetch("http://127.0.0.1:${port}").then(() => process.exit(0), () => process.exit(7))`);
  assert.equal(ran.exitCode, 7);
});

test("nothing but its own folder can be written where it says so, not even by who makes it writable again", {
  skip: !isReadOnly,
}, async () => {
  const other = await realpath(await mkdtemp(join(tmpdir(), "tandem-other-")));
  const script = `
    const { execSync } = require("node:child_process"); const { writeFileSync } = require("node:fs");
    writeFileSync("mine", "x");
    try { execSync("mount -o remount,bind,rw / && mount -o remount,bind,rw ${other}", { stdio: "ignore" }); } catch {}
    for (const path of [${JSON.stringify(join(other, "theirs"))}, "/tandem-was-here"])
      try { writeFileSync(path, "x"); process.exit(7); } catch (error) { console.log(error.code); }`;
  try {
    const ran = await node(script);
    assert.deepEqual([ran.exitCode, ran.output.trim()], [0, "EROFS\nEROFS"]);
  } finally {
    await rm(other, { recursive: true });
  }
});

test("who stops it hears so, and it has ended", async () => {
  const stop = new AbortController();
  const ran = node("setInterval(() => {}, 1000)", 60_000, stop.signal);
  stop.abort();
  await assert.rejects(ran, { code: "cancelled" });
});

const TASK: EvalTask = {
  ...{ id: "typescript/x", language: "typescript", kind: "implement", file: "x.ts", target: "x", instruction: "do x" },
  ...{ text: "", tests: 'import "./x.ts";', reference: "", wrong: [] },
};

const toolchain = (await findToolchain("typescript")) as Toolchain;
const CHEATS = [
  { name: "a program that ends before its tests", text: "process.exit(0);" },
  { name: "a program that waits for what never comes", text: "await new Promise(() => {});" },
  { name: "a program that says it has passed", text: 'console.log("passed"); process.exit(0);' },
  { name: "a program that does not parse", text: "export const = ;" },
  { name: "a program that starts another", text: 'import { execSync } from "node:child_process"; execSync("true");' },
];
for (const { name, text } of CHEATS)
  test(`${name} passes nothing`, async () => {
    assert.equal((await grade({ task: TASK, text, toolchain, sandbox }, never)).kind, "failed");
  });

test("a program that does nothing wrong passes", async () => {
  assert.deepEqual(await grade({ task: TASK, text: "export const x = 1;", toolchain, sandbox }, never), {
    kind: "passed",
  });
});
