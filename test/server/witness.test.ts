import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import type { GpuReading, Report } from "../../server/core/telemetry.ts";
import type { EngineSpec, LocalSpec } from "../../server/engineSpec.ts";
import { TandemError } from "../../server/errors.ts";
import { createMonitor } from "../../server/monitor.ts";
import type { Engine, OpenEngine } from "../../server/ports.ts";
import { createWitness } from "../../server/witness.ts";
import { fakeEngines } from "../fakes/engines.ts";
import { silentLog } from "../fakes/log.ts";

const never = new AbortController().signal;
const GIB = 1024 ** 3;
const card = { uuid: "GPU-a", vendor: "nvidia", index: 0, share: 1 } as const;
const spec: EngineSpec = {
  kind: "embedded",
  model: {
    id: "m",
    label: "Model M",
    parametersB: 7,
    quantisation: null,
    contextTokens: 4_096,
    promptStyle: "chat",
    isTrial: false,
  },
  path: "/m.gguf",
  device: "gpu:0",
  cards: [card],
  options: DEFAULT_OPTIONS,
  threads: 1,
  contextTokens: 4_096,
  use: "write",
};

/** A machine whose drivers say what a test lets them say, and whose engines hold what it lets them hold. */
function machine(engine: Partial<Engine> = {}, given: { readonly isListed?: boolean } = {}) {
  let nowMs = 0;
  let report: (report: Report) => void = () => undefined;
  const clock = { nowMs: () => nowMs };
  const start = (it: typeof report) => {
    report = it;
    return { [Symbol.asyncDispose]: async () => undefined };
  };
  const monitor = createMonitor({ sources: [{ name: "nvidia", start }], clock, log: silentLog });
  monitor.begin();
  const fakes = fakeEngines({});
  const opened = Promise.withResolvers<void>();
  const openEngine: OpenEngine = async (it, signal) => {
    const made = await fakes.open(it, signal);
    setImmediate(opened.resolve);
    return { ...made, pid: 4_242, held: [{ device: "GPU-a", bytes: 5 * GIB }], ...engine };
  };
  const open = createWitness({
    openEngine,
    monitor,
    clock,
    log: silentLog,
    isListed: async () => given.isListed ?? true,
    pidsOf: async (pid) => [pid],
    waitMs: 200,
  });
  return {
    open: (it: EngineSpec = spec) => open(it, never),
    opened: opened.promise,
    closed: fakes.closed,
    /** A second passes, and the driver tells of both cards. */
    read(a: Partial<GpuReading>, b: Partial<GpuReading> = {}) {
      nowMs += 1_000;
      report({ kind: "reading", gpu: reading("GPU-a", a) });
      report({ kind: "reading", gpu: reading("GPU-b", b) });
    },
  };
}

const mine = { pid: 4_242, name: "llama-server", bytes: 5 * GIB };

test("seen where it was put: the engine says so", async () => {
  const it = machine();
  it.read({ usedBytes: GIB });
  const opening = it.open();
  await it.opened;
  it.read({ usedBytes: 6 * GIB, processes: [mine] });
  const engine = await opening;
  assert.equal(engine.placement?.verdict, "verified", engine.placement?.why);
  assert.deepEqual(it.closed, []);
});

test("a process that comes into the list late is waited for", async () => {
  const it = machine({ reported: { api: "cuda", said: null } });
  it.read({ usedBytes: GIB });
  const opening = it.open();
  await it.opened;
  it.read({ usedBytes: 6 * GIB, processes: [] });
  await new Promise(setImmediate);
  it.read({ usedBytes: 6 * GIB, processes: [mine] });
  assert.equal((await opening).placement?.verdict, "verified");
});

test("seen elsewhere: it is closed, and the user hears where it is and what to look at", async () => {
  const it = machine();
  it.read({ usedBytes: GIB });
  const opening = it.open();
  await it.opened;
  const failing = assert.rejects(opening, (error) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.code, "not-configured");
    assert.match(error.message, /Model M is not where it was put: .* on Card GPU-b.* given Card GPU-a/);
    assert.match(error.nextStep, /CUDA_VISIBLE_DEVICES/);
    return true;
  });
  for (let readings = 0; readings < 3; readings++) {
    it.read({ usedBytes: GIB, processes: [] }, { usedBytes: 6 * GIB, processes: [mine] });
    await new Promise(setImmediate);
  }
  await failing;
  assert.deepEqual(it.closed, ["m"]);
});

test("a reading from before the load proves nothing, and a silent driver keeps nobody waiting for ever", async () => {
  const it = machine();
  it.read({ usedBytes: 6 * GIB, processes: [mine] });
  const engine = await it.open();
  assert.deepEqual(engine.placement, {
    verdict: "unverifiable",
    why: "the driver told nothing while it was waited for",
  });
});

test("cards that nothing reads are told as that, at once", async () => {
  assert.match((await machine().open()).placement?.why ?? "", /nothing reads GPU-a/);
});

const unlooked: readonly { name: string; spec: Partial<LocalSpec>; engine: Partial<Engine> }[] = [
  { name: "no card was asked for", spec: { cards: [], device: "cpu" }, engine: {} },
  { name: "it fell back to the processor and says so", spec: {}, engine: { device: "cpu" } },
  { name: "it is no process of ours", spec: {}, engine: { pid: null } },
];
for (const it of unlooked)
  test(`nothing to look at: ${it.name}`, async () => {
    const engine = await machine(it.engine).open({ ...spec, ...it.spec });
    assert.equal(engine.placement, null);
  });

function reading(uuid: string, told: Partial<GpuReading>): GpuReading {
  return {
    ...{
      uuid,
      vendor: "nvidia",
      index: 0,
      name: `Card ${uuid}`,
      totalBytes: 24 * GIB,
      usedBytes: GIB,
      freeBytes: null,
    },
    ...{ busyPercent: null, celsius: null, powerWatts: null, powerLimitWatts: null, coreMegahertz: null },
    ...{ memoryMegahertz: null, brakes: null, computeCapability: null, driver: null, isPartitioned: false },
    ...{ processes: null, fault: null, ...told },
  };
}
