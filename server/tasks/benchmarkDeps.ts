import type { Engine } from "../ports.ts";
import type { BenchEvent, Benchmark } from "../protocol/benchmark.ts";
import type { Membership } from "../scheduler.ts";
import type { OpenAiDeps } from "./deps.ts";

export interface BenchDeps extends OpenAiDeps {
  /** Whose requests let everybody else's go first. */
  readonly scheduler: Membership;
  /** The same engines for who may have each of their slots; a turn that is not free is not waited for. */
  readonly everySlot: Pick<Membership, "tryAcquire">;
  /** Clients that have an engine because of this request and its sender: the request itself, and its client's settings. */
  readonly ownUsers: number;
  /** Routing goes by it from now on. */
  readonly keep: (engine: string, opened: Pick<Engine, "model" | "device">, found: Benchmark) => void;
}

export type EmitBench = (event: BenchEvent) => void;
