import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../../server/cli/client.ts";
import { status } from "../../server/protocol/requests.ts";
import type { Status } from "../../server/protocol/status.ts";
import type { Script } from "../fakes/nvidiaSmi.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { fakeSmi, installSmi } from "../gpu/smi.ts";
import { connect } from "./connect.ts";
import { createInstance } from "./instance.ts";

const never = new AbortController().signal;

/** An orchestrator on a machine whose nvidia-smi goes by `script`. */
export async function machine(script: Omit<Script, "startsPath">, env: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "td-"));
  const smi = fakeSmi(script);
  installSmi(smi, folder);
  const instance = await createInstance({ ...env, PATH: `${folder}${delimiter}${process.env.PATH}` });
  const fake = await startFakeLlama({ reply: () => "ok" });
  const client = await connect(instance, { draft: { endpoint: fake.url } });
  return {
    smi,
    instance,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
      await instance[Symbol.asyncDispose]();
      smi[Symbol.dispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The status, as soon as it satisfies `isIt`. */
export async function statusWhen(client: Client, isIt: (now: Status) => boolean): Promise<Status> {
  const endMs = performance.now() + 30_000;
  for (;;) {
    const now = await client.send(status, {}, () => undefined, never);
    if (isIt(now)) return now;
    assert.ok(performance.now() < endMs, JSON.stringify([now.gpus, now.gpuSources]));
    await sleep(20);
  }
}
