import type { GpuStatus } from "./gpu.ts";
import type { GpuStatusAnswer, LlmHealthAnswer, MemoryStatsAnswer, RebalanceAnswer } from "./gpuApi.ts";
import type { EngineStatus, Status } from "./status.ts";

const GIBIBYTE = 1024 ** 3;
/** The length of an answer by which that API's clients compare models. */
const ANSWER_TOKENS = 512;
const PRESSURES = ["critical", "high", "moderate", "normal"] as const;

export function gigabytes(bytes: number | null): number | null {
  return bytes === null ? null : Math.round((bytes / GIBIBYTE) * 100) / 100;
}

/** The GPUs and models of a status under the names of `/v1/gpu/status`. */
export function gpuStatusAnswer({ gpus, engines }: Status): GpuStatusAnswer {
  const all = gpus.map((it, id) => ({
    id,
    memory_used_gb: gigabytes(it.usedBytes),
    memory_total_gb: gigabytes(it.totalBytes),
    memory_available_gb: gigabytes(it.freeBytes),
    utilization_percent: percentOf(it),
    temperature_c: it.celsius,
    power_draw_w: it.powerWatts,
    is_throttled: isHot(it),
    uuid: it.uuid,
    name: it.name,
    busy_percent: it.busyPercent,
    telemetry: it.health,
    memory_pressure: it.pressure,
  }));
  const models = engines.map((it) => [it.model.id, modelAnswer(it)] as const);
  return { gpu: all[0] ?? null, gpus: all, models: Object.fromEntries(models.toReversed()) };
}

function modelAnswer(it: EngineStatus): GpuStatusAnswer["models"][string] {
  const rate = it.decodeTokensPerSecond;
  return {
    vram_gb: gigabytes(onGpus(it)) ?? 0,
    backend: it.kind === "embedded" ? "llama_cpp" : "endpoint",
    avg_latency_ms: rate === null || rate <= 0 ? null : Math.round((ANSWER_TOKENS / rate) * 1_000),
    queue_size: it.queued,
    failure_count: it.failures,
    state: it.state,
    device: it.device,
  };
}

export function onGpus({ memory }: EngineStatus): number {
  return memory.reduce((sum, it) => (it.device === "cpu" ? sum : sum + it.bytes), 0);
}

function percentOf({ usedBytes, totalBytes }: GpuStatus): number | null {
  if (usedBytes === null || totalBytes === null || totalBytes === 0) return null;
  return Math.round((usedBytes / totalBytes) * 10_000) / 100;
}

function isHot({ thermal, brakes }: GpuStatus): boolean {
  return thermal?.level === "hot" || thermal?.level === "critical" || (brakes ?? []).includes("heat");
}

/** What would give a GPU room or rest, worst first. */
export function rebalanceAnswer({ gpus, engines }: Status): RebalanceAnswer {
  const pressed = gpus
    .filter((it) => it.pressure === "high" || it.pressure === "critical")
    .flatMap((gpu) => roomOn(gpu, engines));
  const hot = gpus.filter(isHot).map((it) => ({
    action: "reduce-load" as const,
    target: it.name,
    reason: it.thermal?.why ?? "its driver slows it down for heat",
  }));
  const unread = gpus
    .filter((it) => it.health === "broken")
    .map((it) => ({ action: "check" as const, target: it.name, reason: it.trouble?.reason ?? "it cannot be read" }));
  const failing = engines
    .filter((it) => it.failures > 0)
    .map((it) => ({
      action: "check" as const,
      target: it.model.id,
      reason: `it failed ${it.failures} times since it last worked`,
    }));
  return { recommended_actions: [...pressed, ...hot, ...unread, ...failing] };
}

function roomOn(gpu: GpuStatus, engines: readonly EngineStatus[]): RebalanceAnswer["recommended_actions"] {
  const full = `${gpu.name} is ${percentOf(gpu)?.toFixed(0)} % full (${gpu.pressure})`;
  const idle = engines.flatMap((it) => {
    const held = it.memory.find(({ device }) => device === gpu.uuid);
    return held && !it.isBusy && !it.isPinned ? [{ it, bytes: held.bytes }] : [];
  });
  if (idle.length === 0)
    return [
      {
        action: "wait",
        target: gpu.name,
        reason: `${full}, and nothing of ours on it is idle: other programs hold the rest`,
      },
    ];
  return idle
    .toSorted((a, b) => (b.it.idleMs ?? 0) - (a.it.idleMs ?? 0))
    .map(({ it, bytes }) => ({
      action: "unload",
      target: it.model.id,
      reason: `${full}; idle for ${Math.round((it.idleMs ?? 0) / 1_000)} s, it would give ${gigabytes(bytes)} GB`,
    }));
}

/** How the engines are, and what the governor has to do. */
export function llmHealthAnswer({ gpus, engines }: Status, status: LlmHealthAnswer["status"]): LlmHealthAnswer {
  const levels = gpus.map((it) => it.pressure);
  return {
    status,
    loaded_models: engines.filter((it) => it.state === "ready").map((it) => it.model.id),
    governor: {
      memory_pressure: PRESSURES.find((it) => levels.includes(it)) ?? null,
      waiting_requests: engines.reduce((sum, it) => sum + it.queued, 0),
    },
    breakers: engines.flatMap(({ handle, model, breaker: { state, retryInMs } }) =>
      state === "closed"
        ? []
        : [
            {
              engine: handle,
              model_name: model.id,
              state,
              retry_in_seconds: retryInMs === null ? null : Math.ceil(retryInMs / 1_000),
            },
          ],
    ),
  };
}

/** Whose each memory is. */
export function memoryStatsAnswer({ gpus, engines, mainMemory }: Status): MemoryStatsAnswer {
  const ours = (device: string) =>
    engines.flatMap((it) => {
      const held = it.memory.filter((part) => part.device === device && part.bytes > 0);
      return held.map(({ bytes, isMeasured }) => ({
        model_name: it.model.id,
        memory_gb: gigabytes(bytes) ?? 0,
        is_measured: isMeasured,
        idle_seconds: it.idleMs === null ? null : Math.round(it.idleMs / 1_000),
        is_pinned: it.isPinned,
      }));
    });
  const othersOn = ({ uuid, usedBytes }: GpuStatus) => {
    const held = engines
      .flatMap((it) => it.memory.filter((part) => part.device === uuid))
      .reduce((sum, it) => sum + it.bytes, 0);
    return usedBytes === null ? null : gigabytes(Math.max(0, usedBytes - held));
  };
  const cards = gpus.map((it) => ({
    device: it.uuid,
    name: it.name,
    total_gb: gigabytes(it.totalBytes),
    used_gb: gigabytes(it.usedBytes),
    free_gb: gigabytes(it.freeBytes),
    pressure: it.pressure,
    models: ours(it.uuid),
    other_programs_gb: othersOn(it),
  }));
  if (mainMemory === null) return { devices: cards };
  const { totalBytes, usedBytes } = mainMemory;
  const free = usedBytes === null ? null : totalBytes - usedBytes;
  const memory = { total_gb: gigabytes(totalBytes), used_gb: gigabytes(usedBytes), free_gb: gigabytes(free) };
  return {
    devices: [
      ...cards,
      { device: "cpu", name: "main memory", ...memory, pressure: null, models: ours("cpu"), other_programs_gb: null },
    ],
  };
}
