import type { JournalEntry } from "../../server/protocol/decisions.ts";
import type { GpuStatus } from "../../server/protocol/gpu.ts";
import { type EngineStatus, Status } from "../../server/protocol/status.ts";

export const GB = 1024 ** 3;

/** What an orchestrator tells of itself, with what is said changed: checked, as a client does. */
export function statusOf(changes: Partial<Status> = {}): Status {
  const gpuSources = [{ name: "nvidia", health: "ok", reason: null }];
  const rest = { engines: [], running: 0, clients: [], http: null, isDraining: false };
  return Status.parse({ pid: 1, version: "0.1.0", ...rest, gpuSources, ...changes });
}

/** A 24 GB card of which 16 GB are used. */
export function gpuOf(index: number, changes: Partial<GpuStatus> = {}): GpuStatus {
  const numbers = { totalBytes: 24 * GB, usedBytes: 16 * GB, freeBytes: 8 * GB, busyPercent: 73, celsius: 61 };
  const status = statusOf({
    gpus: [
      {
        ...{ uuid: `GPU-${index}`, vendor: "nvidia", index, name: "NVIDIA GeForce RTX 3090", health: "ok" },
        ...{ trouble: null, ageMs: 0, ...numbers, powerWatts: 214, powerLimitWatts: 350, brakes: [] },
        ...{ pressure: "moderate", thermal: { level: "normal", why: "61 °C" }, processes: [], ...changes },
      } as GpuStatus,
    ],
  });
  const [gpu] = status.gpus;
  if (!gpu) throw new Error("there is one");
  return gpu;
}

/** A model that is loaded, by process 100. */
export function engineOf(handle: string, changes: Partial<EngineStatus> = {}): EngineStatus {
  const model = {
    ...{ id: "qwen-14b", label: "Qwen 14B", parametersB: 14, quantisation: "Q4_K_M", contextTokens: 16_384 },
    ...{ promptStyle: "chat", isTrial: false },
  };
  const engine = {
    ...{ id: handle, handle, roles: ["draft"], users: 1, kind: "embedded", model, device: "cuda:0", state: "ready" },
    ...{ queued: 0, isBusy: false, failures: 0, pid: 100, prefillTokensPerSecond: null, decodeTokensPerSecond: 61.4 },
    ...changes,
  };
  const [parsed] = statusOf({ engines: [engine as EngineStatus] }).engines;
  if (!parsed) throw new Error("there is one");
  return parsed;
}

export function decisionOf(id: string, changes: Partial<JournalEntry> = {}): JournalEntry {
  return {
    ...{ id, atMs: 1_790_000_000_000, method: "tandem/run", asked: "auto", engine: "draft", model: "Qwen 14B" },
    ...{ device: "cuda:0", action: "docstring", tier: "moderate", why: "the cheapest of 2", candidates: [] },
    ...{ client: "vscode", outcome: { kind: "ok", totalMs: 1_840 } },
    ...{ backend: "embedded", address: null, isCloud: false, estimatedMs: 1_500, after: null, fallbacks: [] },
    ...{ confidence: 0.9, taken: "" },
    ...changes,
  };
}
