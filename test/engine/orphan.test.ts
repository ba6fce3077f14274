import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { processGone } from "./open.ts";

const PARENT = fileURLToPath(new URL("./orphanParent.ts", import.meta.url));
/** Longer than the two seconds an orphan has, so that a busy machine fails nobody. */
const LIMIT_MS = 10_000;

for (const stage of ["load", "prefill", "decode"])
  test(`its parent is killed during ${stage}: the engine's process leaves`, async () => {
    const parent = spawn(process.execPath, [PARENT, stage], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const [line] = await once(createInterface(parent.stdout), "line");
      const pid = Number(String(line).split(" ")[1]);
      assert.ok(pid > 0);
      assert.equal(process.kill(pid, 0), true, "it runs");
      parent.kill("SIGKILL");
      await processGone(pid, AbortSignal.timeout(LIMIT_MS));
    } finally {
      parent.kill("SIGKILL");
    }
  });
