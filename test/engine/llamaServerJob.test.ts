import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readRegister } from "../../server/lifelines/register.ts";
import { Status } from "../../server/protocol/status.ts";
import { gone, running, until } from "../lifelines/programs.ts";
import { runCli } from "../server/cli.ts";
import { createInstance } from "../server/instance.ts";
import { ensureLlamaServer } from "../setup/llamaBuild.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";

const MODEL = "tinyllama-1.1b-chat-iq2xxs";
const never = new AbortController().signal;
const say = (line: string) => void process.stderr.write(`${line}\n`);

test("on the command line: a local model runs in the llama-server that was named, and goes with the orchestrator", async () => {
  const executable = await ensureLlamaServer(say, never);
  await ensureTinyLlama(say, never);
  const cwd = await mkdtemp(join(tmpdir(), "tandem-llama-job-"));
  await using instance = await createInstance();
  const processes = join(instance.env.TANDEM_STATE ?? "", "processes");
  const env = { ...instance.env, TANDEM_GRACE_MS: "60000", TANDEM_LLAMA_SERVER: executable, TANDEM_DRAFT_MODEL: MODEL };
  try {
    const written = await runCli(["generate", "--raw", "--max-tokens", "8", "export function add("], { cwd, env });
    assert.equal(written.code, 0, written.stderr);
    assert.notEqual(written.stdout.trim(), "");
    const told = await runCli(["status", "--json"], { cwd, env });
    const { engines, pid } = Status.parse(JSON.parse(told.stdout));
    const server = engines.find((it) => it.state === "ready")?.pid ?? 0;
    const entries = (await readRegister(processes)).flatMap(({ entry }) => entry ?? []);
    assert.equal(entries.find((it) => it.pid === server)?.program, executable);
    const pids = entries.map((it) => it.pid);
    assert.deepEqual(await running(pids), pids);
    process.kill(pid, "SIGKILL");
    await gone([pid, ...pids]);
    const next = await runCli(["models"], { cwd, env });
    assert.equal(next.code, 0, next.stderr);
    await until("the next orchestrator has tidied up", async () => (await readdir(processes)).length === 0);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});

test("on the command line: what is no llama-server is told by the setting's name", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "tandem-llama-job-"));
  try {
    const args = ["generate", "--model", MODEL, "--llama-server", "./none", "hello"];
    const run = await runCli(args, { cwd });
    assert.notEqual(run.code, 0);
    assert.match(run.stderr, /tandem\.llamaServer names .*none, which is no file/);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});
