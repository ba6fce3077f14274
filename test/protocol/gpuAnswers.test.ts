import assert from "node:assert/strict";
import { test } from "node:test";
import {
  gpuStatusAnswer,
  llmHealthAnswer,
  memoryStatsAnswer,
  rebalanceAnswer,
} from "../../server/protocol/gpuAnswers.ts";
import { GpuStatusAnswer, LlmHealthAnswer, MemoryStatsAnswer, RebalanceAnswer } from "../../server/protocol/gpuApi.ts";
import type { EngineStatus } from "../../server/protocol/status.ts";
import { engineOf, GB, gpuOf, statusOf } from "../fakes/statuses.ts";

const model = (id: string) => ({ ...engineOf("e").model, id });
const on = (device: string, bytes: number): Partial<EngineStatus> => ({
  memory: [{ device, bytes, isMeasured: true }],
});
const TINY = engineOf("e1", {
  ...on("GPU-0", 2.3 * GB),
  ...{ model: model("tiny-llama-1b"), decodeTokensPerSecond: 204.8, idleMs: 90_000 },
});
const BIG = engineOf("e2", { ...on("GPU-0", 10 * GB), model: model("big"), isBusy: true, queued: 3, failures: 2 });

test("the documented status, word for word, and what it says besides", () => {
  const card = { usedBytes: 12.06 * GB, freeBytes: 11.94 * GB, celsius: 49, powerWatts: 150 };
  const answer = gpuStatusAnswer(statusOf({ gpus: [gpuOf(0, card)], engines: [TINY] }));
  GpuStatusAnswer.parse(answer);
  const {
    uuid: _u,
    name: _n,
    busy_percent: _b,
    telemetry: _t,
    memory_pressure: _p,
    ...gpu
  } = answer.gpu ?? assert.fail();
  assert.deepEqual(gpu, {
    id: 0,
    memory_used_gb: 12.06,
    memory_total_gb: 24,
    memory_available_gb: 11.94,
    utilization_percent: 50.25,
    temperature_c: 49,
    power_draw_w: 150,
    is_throttled: false,
  });
  const { state: _s, device: _d, ...tiny } = answer.models["tiny-llama-1b"] ?? assert.fail();
  const counts = { queue_size: 0, failure_count: 0 };
  assert.deepEqual(tiny, { vram_gb: 2.3, backend: "llama_cpp", avg_latency_ms: 2_500, ...counts });
});

test("no GPU, and what no driver tells, is null and never a zero", () => {
  assert.equal(gpuStatusAnswer(statusOf()).gpu, null);
  const silent = { usedBytes: null, totalBytes: null, freeBytes: null, celsius: null, powerWatts: null };
  const { gpu } = GpuStatusAnswer.parse(gpuStatusAnswer(statusOf({ gpus: [gpuOf(0, silent)] })));
  assert.deepEqual(
    [gpu?.memory_used_gb, gpu?.utilization_percent, gpu?.temperature_c, gpu?.power_draw_w],
    [null, null, null, null],
  );
});

const hot = { thermal: { level: "hot", why: "82 °C" } } as const;
const broken = { health: "broken", trouble: { reason: "it hangs", nextStep: "Restart" } } as const;
const rebalances: readonly {
  readonly name: string;
  readonly gpu?: Parameters<typeof gpuOf>[1];
  readonly engines?: readonly EngineStatus[];
  readonly want: readonly string[];
}[] = [
  { name: "all is well", engines: [TINY], want: [] },
  {
    name: "full: the idle one",
    gpu: { pressure: "high" },
    engines: [TINY, BIG],
    want: ["unload tiny-llama-1b", "check big"],
  },
  { name: "full, and nothing of ours is idle", gpu: { pressure: "critical" }, want: ["wait NVIDIA GeForce RTX 3090"] },
  {
    name: "full, but pinned",
    gpu: { pressure: "high" },
    engines: [{ ...TINY, isPinned: true }],
    want: ["wait NVIDIA GeForce RTX 3090"],
  },
  { name: "hot", gpu: hot, want: ["reduce-load NVIDIA GeForce RTX 3090"] },
  { name: "not to be read", gpu: broken, want: ["check NVIDIA GeForce RTX 3090"] },
];
for (const { name, gpu = {}, engines = [], want } of rebalances)
  test(`rebalance: ${name}`, () => {
    const answer = RebalanceAnswer.parse(rebalanceAnswer(statusOf({ gpus: [gpuOf(0, gpu)], engines: [...engines] })));
    assert.deepEqual(
      answer.recommended_actions.map((it) => `${it.action} ${it.target}`),
      want,
    );
  });

test("whose memory is whose: ours by model, the rest is others', main memory last", () => {
  const status = statusOf({
    gpus: [gpuOf(0), gpuOf(1)],
    engines: [TINY, BIG],
    mainMemory: { totalBytes: 64 * GB, usedBytes: 16 * GB },
  });
  const { devices } = MemoryStatsAnswer.parse(memoryStatsAnswer(status));
  assert.deepEqual(
    devices.map((it) => [it.device, it.models.map((its) => its.memory_gb), it.other_programs_gb, it.free_gb]),
    [
      ["GPU-0", [2.3, 10], 3.7, 8],
      ["GPU-1", [], 16, 8],
      ["cpu", [], null, 48],
    ],
  );
});

test("the governor's health: the worst pressure, who waits, what is loaded", () => {
  const status = statusOf({ gpus: [gpuOf(0), gpuOf(1, { pressure: "critical" })], engines: [TINY, BIG] });
  const answer = LlmHealthAnswer.parse(llmHealthAnswer(status, "degraded"));
  assert.deepEqual(answer.loaded_models, ["tiny-llama-1b", "big"]);
  assert.deepEqual(answer.governor, { memory_pressure: "critical", waiting_requests: 3 });
});
