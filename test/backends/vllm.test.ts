import assert from "node:assert/strict";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { shimEntry } from "../../server/assets.ts";
import { createOpenEngine } from "../../server/backends/open.ts";
import { openVllm, vllmArguments } from "../../server/backends/vllm.ts";
import { endedWhileStarting } from "../../server/backends/vllmFailure.ts";
import type { VllmSpec } from "../../server/engineSpec.ts";
import { TandemError } from "../../server/errors.ts";
import type { Engine } from "../../server/ports.ts";
import type { ErrorCode } from "../../server/protocol/errors.ts";
import { recordingLog, silentLog } from "../fakes/log.ts";
import { VLLM_FAILURES } from "../fakes/vllmWords.ts";
import { running } from "../lifelines/programs.ts";
import { unixOnly } from "../setup/only.ts";
import { ask, chatRequest } from "./ask.ts";

const never = new AbortController().signal;
const GIB = 1024 ** 3;
const PROGRAM = fileURLToPath(new URL("../fakes/vllmProgram.ts", import.meta.url));
const first = { uuid: "GPU-aaaa", vendor: "nvidia", index: 0 } as const;
const second = { uuid: "GPU-bbbb", vendor: "nvidia", index: 1 } as const;

let folder: string;
let basic: VllmSpec;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-vllm-"));
  const executable = join(folder, "vllm");
  await writeFile(executable, `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`);
  await chmod(executable, 0o755);
  basic = {
    kind: "vllm",
    executable,
    model: {
      id: "maker/model",
      label: "Model",
      parametersB: 7,
      quantisation: "AWQ",
      contextTokens: 4_096,
      promptStyle: "chat",
      isTrial: false,
    },
    source: "maker/model",
    cards: [first, second],
    memoryShare: 0.85,
    contextTokens: 8_192,
    quantization: "awq",
    use: "write",
    extraArguments: ["--dtype", "half"],
  };
});
after(() => rm(folder, { recursive: true, force: true }));

/** Opened with these variables, as users set them. */
async function open(changes: Partial<VllmSpec> = {}, env: Record<string, string> = {}): Promise<Engine> {
  const before = { ...process.env };
  Object.assign(process.env, env);
  const opener = createOpenEngine({ log: silentLog, childPath: "", shimPath: shimEntry(), register: null });
  try {
    return await opener({ ...basic, ...changes }, never);
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

test("started, it is told model, share, context, cards and key, and answers as an endpoint", {
  skip: unixOnly,
}, async () => {
  const file = join(folder, "started.json");
  const engine = await open({}, { FAKE_VLLM_FILE: file, HF_TOKEN: "hf_x", HF_HOME: "/models", TANDEM_SECRET: "s" });
  try {
    const { args, env } = JSON.parse(await readFile(file, "utf8"));
    const line = args.join(" ");
    assert.match(line, /^serve maker\/model --host 127\.0\.0\.1 --port \d+ --served-model-name tandem-\w+ /);
    assert.ok(
      line.endsWith(
        "--gpu-memory-utilization 0.85 --max-model-len 8192 --quantization awq --tensor-parallel-size 2 --dtype half",
      ),
      line,
    );
    assert.ok(env.VLLM_API_KEY.length > 20 && !line.includes(env.VLLM_API_KEY), "the key is in the environment alone");
    assert.equal(env.CUDA_VISIBLE_DEVICES, "GPU-aaaa,GPU-bbbb");
    assert.equal(env.CUDA_DEVICE_ORDER, "PCI_BUS_ID");
    assert.deepEqual([env.HF_TOKEN, env.HF_HOME, env.VLLM_NO_USAGE_STATS], ["hf_x", "/models", "1"]);
    assert.equal((await ask(engine, chatRequest("hi"))).text, "Hello there");
    assert.equal(engine.model.contextTokens, 8_192);
    assert.equal(engine.trim, null);
    assert.deepEqual(engine.held, [
      { device: "GPU-aaaa", bytes: 20 * GIB },
      { device: "GPU-bbbb", bytes: 20 * GIB },
    ]);
  } finally {
    await engine[Symbol.asyncDispose]();
  }
  assert.deepEqual(await running([engine.pid ?? 0]), []);
});

test("sleeping is used where the user opened that door himself: the next request wakes it", {
  skip: unixOnly,
}, async () => {
  const sleepy = { extraArguments: ["--enable-sleep-mode"] };
  await using plain = await open(sleepy);
  assert.equal(plain.trim, null);
  const before = process.env.VLLM_SERVER_DEV_MODE;
  process.env.VLLM_SERVER_DEV_MODE = "1";
  try {
    await using engine = await open(sleepy);
    assert.ok(engine.trim);
    await engine.trim(never);
    assert.equal((await ask(engine, chatRequest("hi"))).text, "Hello there");
  } finally {
    if (before === undefined) delete process.env.VLLM_SERVER_DEV_MODE;
    else process.env.VLLM_SERVER_DEV_MODE = before;
  }
});

test("no code of a model's own is trusted, unless the user's arguments say so", () => {
  const given = { port: 1, name: "x" };
  assert.ok(!vllmArguments(basic, given).some((it) => it.includes("trust")));
  const trusting = { ...basic, extraArguments: ["--trust-remote-code"] };
  assert.equal(vllmArguments(trusting, given).at(-1), "--trust-remote-code");
  const meddling = { ...basic, extraArguments: ["--api-key", "x"] };
  assert.throws(() => vllmArguments(meddling, given), TandemError);
});

const failures: readonly { source: string; code: ErrorCode; message: RegExp; nextStep: RegExp }[] = [
  { source: "gated", code: "model-unavailable", message: /does not give it to you/, nextStep: /HF_TOKEN/ },
  { source: "missing", code: "model-unavailable", message: /no such model/, nextStep: /owner\/name/ },
  { source: "offline", code: "model-unavailable", message: /hub cannot be reached/, nextStep: /hf download/ },
  { source: "code", code: "not-configured", message: /code of its own/, nextStep: /--trust-remote-code/ },
  { source: "context", code: "no-memory", message: /context does not fit.*4\.62 GiB/, nextStep: /contextTokens/ },
  { source: "full", code: "no-memory", message: /not that much free.*21\.31 GiB/, nextStep: /memoryShare/ },
  { source: "memory", code: "no-memory", message: /does not fit on the card/, nextStep: /smaller or quantised/ },
  { source: "old", code: "not-configured", message: /too old.*Tesla T4/, nextStep: /--dtype half/ },
  {
    source: "kind",
    code: "model-unavailable",
    message: /does not know this kind.*OddForCausalLM/,
    nextStep: /Update vLLM/,
  },
  { source: "nogpu", code: "not-configured", message: /finds no GPU/, nextStep: /tandem doctor/ },
  { source: "odd", code: "provider", message: /ended before it was ready \(exit code 1\)/, nextStep: /by hand/ },
];
for (const it of failures)
  test(`vLLM gives up: ${it.source}`, () => {
    const words = `INFO 11-21 17:00:00 [api_server.py:1] vLLM API server\n${VLLM_FAILURES[`fails/${it.source}`]}\nRuntimeError: Engine core initialization failed. See root cause above.\n`;
    const error = endedWhileStarting(basic, { words, how: "exit code 1" });
    assert.match(error.message, it.message);
    assert.match(error.nextStep, it.nextStep);
    assert.equal(error.code, it.code);
  });

test("vLLM gives up: its reason is found behind the traceback that follows it", { skip: unixOnly }, async () => {
  await assert.rejects(
    open({ source: "fails/gated" }),
    (error) => error instanceof TandemError && error.code === "model-unavailable" && /HF_TOKEN/.test(error.nextStep),
  );
});

test("its health check says yes and nothing is written: it is found out, told and ended", {
  skip: unixOnly,
}, async () => {
  const deps = { log: silentLog, shimPath: shimEntry(), register: null, limits: { firstTokenMs: 100 }, probeMs: 100 };
  const file = join(folder, "hung.json");
  process.env.FAKE_VLLM_FILE = file;
  await using engine = await openVllm(basic, deps, never).finally(() => delete process.env.FAKE_VLLM_FILE);
  const { args } = JSON.parse(await readFile(file, "utf8"));
  const port = args[args.indexOf("--port") + 1];
  assert.equal((await ask(engine, chatRequest("hi"))).text, "Hello there");
  await fetch(`http://127.0.0.1:${port}/fake/hang`, { method: "POST" });
  await assert.rejects(
    ask(engine, chatRequest("hi")),
    (error) => error instanceof TandemError && error.code === "timeout",
  );
  assert.equal(await engine.gone, "it no longer writes (its health check still answers)");
  assert.deepEqual(await running([engine.pid ?? 0]), [], "who takes its place may count on its memory");
});

for (const executable of ["vllm", "/nowhere/vllm", "./vllm"])
  test(`vLLM that is not there: ${executable}`, { skip: unixOnly }, async () => {
    await assert.rejects(
      open({ executable }, { PATH: "/nowhere", HOME: folder }),
      (error) => error instanceof TandemError && error.code === "not-configured" && error.message.includes(executable),
    );
  });

test("vLLM by its name: in PATH, in the environment that is active", { skip: unixOnly }, async () => {
  const bin = join(folder, "venv", "bin");
  await mkdir(bin, { recursive: true });
  await copyFile(basic.executable, join(bin, "vllm"));
  for (const env of [{ PATH: `${bin}:/bin` }, { PATH: "/bin", VIRTUAL_ENV: join(folder, "venv") }]) {
    await using engine = await open({ executable: "vllm" }, { ...env, HOME: folder });
    assert.equal((await ask(engine, chatRequest("hi"))).text, "Hello there");
  }
});

test("killed: `gone` says by what, and so does the answer to who asks then", { skip: unixOnly }, async () => {
  const log = recordingLog();
  const opener = createOpenEngine({ log, childPath: "", shimPath: shimEntry(), register: null });
  await using engine = await opener(basic, never);
  process.kill(engine.pid ?? 0, "SIGKILL");
  assert.equal(await engine.gone, "signal SIGKILL");
  assert.match(log.lines.join("\n"), /vLLM died/);
  await assert.rejects(ask(engine, chatRequest("hi")), {
    ...{ code: "provider", isRetryable: true, nextStep: "Run it again: it is started anew" },
    message: "vLLM has ended (signal SIGKILL)",
  });
});
