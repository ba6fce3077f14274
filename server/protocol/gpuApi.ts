import { z } from "zod";

/** The bodies of `/v1/gpu/…`, under the names that clients of that API know. GB are 1024³ bytes, as drivers count; null: nobody tells. */
const Gigabytes = z.number().nullable();

const GpuNow = z.object({
  id: z.int(),
  memory_used_gb: Gigabytes,
  memory_total_gb: Gigabytes,
  memory_available_gb: Gigabytes,
  /** Of its memory. */
  utilization_percent: z.number().nullable(),
  temperature_c: z.number().nullable(),
  power_draw_w: z.number().nullable(),
  /** Heat slows it down, or soon will. */
  is_throttled: z.boolean(),
  uuid: z.string(),
  name: z.string(),
  /** Of its computing. */
  busy_percent: z.number().nullable(),
  telemetry: z.enum(["ok", "stale", "broken"]),
  memory_pressure: z.enum(["normal", "moderate", "high", "critical"]).nullable(),
});

export const GpuStatusAnswer = z.object({
  /** The first; null where there is none. */
  gpu: GpuNow.nullable(),
  gpus: z.array(GpuNow),
  models: z.record(
    z.string(),
    z.object({
      /** What it holds of all GPUs. */
      vram_gb: z.number(),
      backend: z.enum(["llama_cpp", "endpoint"]),
      /** For an answer of 512 tokens at the rate that was measured; null: not measured yet. */
      avg_latency_ms: z.number().nullable(),
      queue_size: z.int(),
      failure_count: z.int(),
      state: z.enum(["idle", "loading", "ready", "failed"]),
      device: z.string(),
    }),
  ),
});
export type GpuStatusAnswer = z.output<typeof GpuStatusAnswer>;

export const ForecastQuery = z.strictObject({ hours: z.coerce.number().gt(0).max(720).default(1) });
export const ForecastAnswer = z.object({
  hours: z.number(),
  gpus: z.array(
    z.object({
      uuid: z.string(),
      name: z.string(),
      current_used_gb: Gigabytes,
      memory_total_gb: Gigabytes,
      projected_used_gb: Gigabytes,
      /** Nine of ten times it lies between these; null: too little is known. */
      projected_from_gb: Gigabytes,
      projected_to_gb: Gigabytes,
      projected_headroom_gb: Gigabytes,
      /** Free now. */
      available_for_inference_gb: Gigabytes,
      samples: z.int(),
      span_minutes: z.number(),
      why: z.string(),
    }),
  ),
});
export type ForecastAnswer = z.output<typeof ForecastAnswer>;

export const OptimalQuery = z.strictObject({ agent_type: z.string().min(1).max(100).default("Chat") });
export const OptimalAnswer = z.object({
  agent_type: z.string(),
  models: z.array(
    z.object({
      model_name: z.string(),
      engine: z.string(),
      device: z.string(),
      /** Until an answer of 256 tokens to 1,000 is there: loading, waiting, reading, writing, and what failures and heat cost. */
      estimated_ms: z.number(),
      is_loaded: z.boolean(),
      failure_count: z.int(),
      reason: z.string(),
    }),
  ),
});
export type OptimalAnswer = z.output<typeof OptimalAnswer>;

export const RebalanceAnswer = z.object({
  /** What would help, the most pressing first; empty: nothing needs doing. The governor unloads by itself what must go. */
  recommended_actions: z.array(
    z.object({
      action: z.enum(["unload", "reduce-load", "check", "wait"]),
      target: z.string(),
      reason: z.string(),
    }),
  ),
});
export type RebalanceAnswer = z.output<typeof RebalanceAnswer>;

export const BenchmarkQuery = z.strictObject({ model_name: z.string().min(1).max(1_000) });

/** The bodies of `/llm/…` and `/memory/stats`. */
export const LlmGenerateParams = z.strictObject({
  model_name: z.string().min(1).max(1_000).default("auto"),
  /** Left out: as the model is here. */
  quantization: z.enum(["int4", "int8", "float16"]).optional(),
  prompts: z.array(z.string().min(1)).min(1).max(64),
  system_prompt: z.string().optional(),
  temperature: z.number().min(0).max(2).default(0.7),
  max_tokens: z.int().min(1).max(32_768).default(256),
});
export type LlmGenerateParams = z.output<typeof LlmGenerateParams>;
export const LlmGenerateAnswer = z.object({
  request_id: z.string(),
  /** One each for every prompt, in their order. */
  contents: z.array(z.string()),
  prompt_tokens: z.array(z.int()),
  completion_tokens: z.array(z.int()),
  model_name: z.string(),
});
export type LlmGenerateAnswer = z.output<typeof LlmGenerateAnswer>;

const LlmModel = z.object({
  model_name: z.string(),
  label: z.string(),
  quantization: z.string().nullable(),
  context_tokens: z.int(),
  /** Of its file; its context comes on top. */
  file_gb: z.number(),
  is_downloaded: z.boolean(),
  is_loaded: z.boolean(),
});
export const LlmModelsAnswer = z.object({ models: z.array(LlmModel) });
export type LlmModelsAnswer = z.output<typeof LlmModelsAnswer>;

export const LlmLoadParams = z.strictObject({
  model_name: z.string().min(1).max(1_000),
  quantization: LlmGenerateParams.shape.quantization,
});
export const LlmLoadAnswer = z.object({
  model_name: z.string(),
  device: z.string(),
  vram_gb: z.number(),
  status: z.string(),
});
export type LlmLoadAnswer = z.output<typeof LlmLoadAnswer>;

export const LlmHealthAnswer = z.object({
  status: z.enum(["healthy", "degraded", "down"]),
  loaded_models: z.array(z.string()),
  governor: z.object({
    /** The worst of all GPUs; null: nobody tells. */
    memory_pressure: GpuNow.shape.memory_pressure,
    waiting_requests: z.int(),
  }),
  /** Engines that failed repeatedly: an open one gets no requests until it is tried again, a half-open one is being tried. */
  breakers: z
    .array(
      z.object({
        engine: z.string(),
        model_name: z.string(),
        state: z.enum(["open", "half-open"]),
        retry_in_seconds: z.number().nullable(),
      }),
    )
    .default([]),
});
export type LlmHealthAnswer = z.output<typeof LlmHealthAnswer>;

export const MemoryStatsAnswer = z.object({
  devices: z.array(
    z.object({
      /** A GPU's uuid, or "cpu". */
      device: z.string(),
      name: z.string(),
      total_gb: Gigabytes,
      used_gb: Gigabytes,
      free_gb: Gigabytes,
      pressure: GpuNow.shape.memory_pressure,
      models: z.array(
        z.object({
          model_name: z.string(),
          memory_gb: z.number(),
          is_measured: z.boolean(),
          idle_seconds: z.number().nullable(),
          is_pinned: z.boolean(),
        }),
      ),
      /** Held by programs that are not ours, where that is told. */
      other_programs_gb: Gigabytes,
    }),
  ),
});
export type MemoryStatsAnswer = z.output<typeof MemoryStatsAnswer>;
