import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { firstLine } from "../lifelines/programs.ts";
import { processGone } from "./open.ts";

const PARENT = fileURLToPath(new URL("./orphanParent.ts", import.meta.url));
/** Longer than the two seconds an orphan has, so that a busy machine fails nobody. */
const LIMIT_MS = 10_000;

for (const stage of ["load", "prefill", "decode"])
  test(`its parent is killed during ${stage}: the engine's process leaves`, async () => {
    const parent = spawn(process.execPath, [PARENT, stage], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const pid = Number((await firstLine(parent)).split(" ")[1]);
      assert.ok(pid > 0);
      assert.equal(process.kill(pid, 0), true, "it runs");
      parent.kill("SIGKILL");
      await processGone(pid, AbortSignal.timeout(LIMIT_MS));
    } finally {
      parent.kill("SIGKILL");
    }
  });
