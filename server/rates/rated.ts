import { createHash } from "node:crypto";
import type { EngineConfig } from "../core/assign.ts";
import { type RateKey, toKnown } from "../core/rates.ts";
import type { EngineView } from "../core/route.ts";
import type { GpuReading } from "../core/telemetry.ts";
import type { ThermalLevel } from "../core/thermal.ts";
import type { Engine } from "../ports.ts";
import type { EngineStatus } from "../protocol/status.ts";
import type { Membership, Scheduler } from "../scheduler.ts";
import type { RateBook } from "./rates.ts";

type Lease = Awaited<ReturnType<Scheduler["acquire"]>>;

/** One GPU as far as rates go. */
export interface RatedGpu extends Pick<GpuReading, "uuid" | "vendor" | "index"> {
  /** Null: nobody tells. */
  readonly thermal: ThermalLevel | null;
}

export interface RatedDeps {
  readonly book: RateBook;
  /** As they were last read. */
  readonly gpus: () => readonly RatedGpu[];
}

/** The same share in the engines, with what is known of each from before, how warm it has it, and a memory for what is measured now. */
export function rated(member: Membership, deps: RatedDeps): Membership {
  return {
    ...member,
    snapshot() {
      const statuses = new Map(member.status().map((it) => [it.id, it]));
      const gpus = deps.gpus();
      return member
        .snapshot()
        .map((view) => withKnown({ view, within: { member, gpus, status: statuses.get(view.id) } }, deps.book));
    },
    async acquire(id, emit, signal) {
      let loadMs: number | null = null;
      const lease = await member.acquire(
        id,
        (event) => {
          if (event.kind === "ready") loadMs = event.tookMs;
          emit(event);
        },
        signal,
      );
      const key = keyOf(id, lease.engine, { member, gpus: deps.gpus() });
      if (key && loadMs !== null && key.engine !== "endpoint") deps.book.noteLoad(key, loadMs);
      return noting(lease, key, deps.book);
    },
    tryAcquire(id) {
      const lease = member.tryAcquire(id);
      return lease && noting(lease, keyOf(id, lease.engine, { member, gpus: deps.gpus() }), deps.book);
    },
  };
}

interface Within {
  readonly member: Membership;
  readonly gpus: readonly RatedGpu[];
  /** Of the engine; left out: it is asked for. */
  readonly status?: EngineStatus | undefined;
}

/** Under what an engine's rates are kept; null: the client has it no more. */
export function keyOf(id: string, engine: Pick<Engine, "model" | "device">, within: Within): RateKey | null {
  const { member, gpus } = within;
  const source = member.sourceOf(id);
  if (source === null) return null;
  const { model, device } = engine;
  const status = within.status ?? member.status().find((it) => it.id === id);
  const where = cardsOf(status)?.join("+") ?? cardOf(device, gpus)?.uuid ?? device;
  return { model: model.id, quantisation: model.quantisation ?? "", device: where, ...programOf(source) };
}

/** The GPUs that it holds memory of; null: none, or it is not told. */
export function cardsOf(status: EngineStatus | undefined): string[] | null {
  const cards = status?.memory.filter((it) => it.device !== "cpu" && it.bytes > 0).map((it) => it.device) ?? [];
  return cards.length === 0 ? null : cards.toSorted();
}

/** Which program it is, and a name for the options that it runs with: never the options themselves, which may hold anything. */
function programOf(source: EngineConfig["source"]): Pick<RateKey, "engine" | "options"> {
  switch (source.kind) {
    case "endpoint":
      return { engine: "endpoint", options: "" };
    case "embedded": {
      const { llamaServer, options, contextTokens, use } = source;
      const engine = llamaServer === "" ? "embedded" : "llama-server";
      return { engine, options: digest([options, contextTokens, use]) };
    }
    case "vllm": {
      const { memoryShare, contextTokens, quantization, extraArguments } = source;
      return { engine: "vllm", options: digest([memoryShare, contextTokens, quantization, extraArguments]) };
    }
  }
}

function digest(options: unknown): string {
  return createHash("sha256").update(JSON.stringify(options)).digest("hex").slice(0, 16);
}

/** "cuda:1" is the second of NVIDIA's, as its driver counts them. Of Vulkan's order nothing is said. */
function cardOf(device: string, gpus: readonly RatedGpu[]): RatedGpu | undefined {
  const [, index] = /^cuda:(\d+)$/.exec(device) ?? [];
  return gpus.find((it) => it.uuid === device || (it.vendor === "nvidia" && String(it.index) === index));
}

interface Seen {
  readonly view: EngineView;
  readonly within: Within;
}

function withKnown({ view, within }: Seen, book: RateBook): EngineView {
  const { gpus, status } = within;
  const key = keyOf(view.id, view, within);
  const rates = key && book.known(key, view.isResident);
  const uuids = cardsOf(status) ?? [cardOf(view.device, gpus)?.uuid];
  const levels = gpus.flatMap((it) => (uuids.includes(it.uuid) && it.thermal !== null ? [it.thermal] : []));
  return { ...view, known: rates && toKnown(rates), thermal: WARMEST_FIRST.find((it) => levels.includes(it)) ?? null };
}

/** A model on several cards is as slow as the slowest. */
const WARMEST_FIRST = ["critical", "hot", "warm", "normal"] as const;

function noting(lease: Lease, key: RateKey | null, book: RateBook): Lease {
  if (key === null) return lease;
  return {
    ...lease,
    report(use) {
      book.note(key, use);
      lease.report(use);
    },
    resume: async (emit, signal) => noting(await lease.resume(emit, signal), key, book),
    [Symbol.dispose]: () => lease[Symbol.dispose](),
  };
}
