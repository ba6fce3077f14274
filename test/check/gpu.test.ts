import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Report } from "./report.ts";

const POSIX = { skip: process.platform !== "linux" };
const SCRIPT = join(import.meta.dirname, "gpu.ts");

/** Runs the check as `npm run check:gpu` does. */
async function check(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const out = await mkdtemp(join(tmpdir(), "td-"));
  try {
    const { code, stdout } = await new Promise<{ code: number; stdout: string }>((resolve) => {
      const options = { env: { ...process.env, ...env } };
      execFile(process.execPath, [SCRIPT, "--out", out, ...args], options, (error, text) =>
        resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, stdout: text }),
      );
    });
    const names = (await readdir(out)).toSorted();
    const [json, text] = names;
    const report: Report | null = json ? JSON.parse(await readFile(join(out, json), "utf8")) : null;
    if (text) assert.equal(await readFile(join(out, text), "utf8"), stdout);
    return { code, stdout, report };
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

test("the check of a GPU passes where everything is right, and writes what it compared", POSIX, async () => {
  const { code, stdout, report } = await check(["--fake", "--only", "telemetry,first-load,eviction"]);
  assert.equal(code, 0, stdout);
  assert.deepEqual(
    report?.steps.map((it) => [it.name.split(":")[0], it.outcome]),
    [
      ["telemetry", "passed"],
      ["a load of 512 tokens in f16 on GPU 0", "passed"],
      ["another process takes nearly all of the card", "passed"],
    ],
  );
});

test("an estimate that is 8 % off fails it, and a card that the process is not on", POSIX, async () => {
  const off = await check(["--fake", "--only", "first-load"], { FAKE_OFF_PERCENT: "8" });
  assert.equal(off.code, 1);
  assert.match(
    off.stdout,
    /^FAILED a load of 512 tokens[^\n]*\n[^\n]*\n {2}NO {2}estimated \S+ MiB, llama\.cpp says \S+ MiB: -7\.4/m,
  );
  const astray = await check(["--fake", "--only", "first-load"], {
    FAKE_UUID: "GPU-00000001-1111-2222-3333-444444444444",
  });
  assert.equal(astray.code, 1);
  assert.match(
    astray.stdout,
    /NO {2}(its process is on no other card \(GPU-00000001|it could be loaded: .* is not where it was put)/,
  );
});

test("without a driver there is nothing to check, and it says so", POSIX, async () => {
  const { code, stdout, report } = await check([], { PATH: "/nowhere" });
  assert.deepEqual([code, report], [0, null]);
  assert.match(stdout, /no NVIDIA driver: nothing to check/);
});
