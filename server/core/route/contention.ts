import type { EngineView } from "../route.ts";
import type { RoutePolicy } from "./policy.ts";

/**
 * How much longer everything takes with so many streams at a time. Decode reads the weights once for all of them, so that it is far from
 * as many times longer; how far depends on the program and the device. A straight line overrates many streams a little, which
 * keeps queues short.
 */
export function slowdown(streams: number, share: number): number {
  return 1 + share * Math.max(0, streams - 1);
}

/** What each further stream adds on this engine: vLLM batches continuously, llama.cpp by slots; a CPU has little to spare. */
export function contentionOf({ backend, device }: Pick<EngineView, "backend" | "device">, policy: RoutePolicy): number {
  if (backend === "vllm") return policy.contentionContinuous;
  return device === "cpu" ? policy.contentionCpu : policy.contentionGpu;
}
