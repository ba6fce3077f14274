import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { reconcile } from "../../server/lifelines/reconcile.ts";
import { readRegister } from "../../server/lifelines/register.ts";
import { silentLog } from "../fakes/log.ts";
import { firstLine, gone, running, until } from "../lifelines/programs.ts";

const never = new AbortController().signal;
const isWindows = process.platform === "win32";
const PARENT = fileURLToPath(new URL("./orphanServerParent.ts", import.meta.url));

for (const stage of ["load", "prefill", "decode"])
  test(`the orchestrator is killed during ${stage}: llama-server and its watchdog are gone`, async () => {
    await using orphans = await startOrphans(stage);
    const killedMs = performance.now();
    orphans.orchestrator.kill("SIGKILL");
    await gone([orphans.server, orphans.shim]);
    process.stderr.write(`gone ${Math.round(performance.now() - killedMs)} ms after SIGKILL during ${stage}\n`);
    await reconcile(orphans.folder, silentLog, never);
    assert.deepEqual(await readdir(orphans.folder), []);
  });

test("orchestrator and watchdog are killed at once: the next start ends llama-server", {
  skip: isWindows,
}, async () => {
  await using orphans = await startOrphans("decode");
  const { orchestrator, server, shim, folder } = orphans;
  // Stopped first, so that neither sees the other's end.
  for (const name of ["SIGSTOP", "SIGKILL"] as const) {
    process.kill(shim, name);
    orchestrator.kill(name);
  }
  await gone([shim, orchestrator.pid ?? 0]);
  await reconcile(folder, silentLog, never);
  assert.deepEqual(await running([server]), []);
  assert.deepEqual(await readdir(folder), []);
});

/** A process that runs a llama-server, at that stage, with both of its processes written down. */
async function startOrphans(stage: string) {
  const folder = await mkdtemp(join(tmpdir(), "tandem-orphans-"));
  const orchestrator = spawn(process.execPath, [PARENT, stage, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const server = Number((await firstLine(orchestrator)).split(" ")[1]);
  const read = async () => (await readRegister(folder)).flatMap(({ entry }) => (entry === null ? [] : [entry]));
  await until("both are written down", async () => (await read()).length === 2);
  const shim = (await read()).find((it) => it.kind === "shim")?.pid ?? 0;
  assert.deepEqual(await running([server, shim]), [server, shim]);
  const dispose = async () => {
    orchestrator.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  };
  return { orchestrator, server, shim, folder, [Symbol.asyncDispose]: dispose };
}
