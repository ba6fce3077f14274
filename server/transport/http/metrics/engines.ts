import type { Registry } from "prom-client";
import { seriesName } from "../../../protocol/seriesName.ts";
import { EngineStatus } from "../../../protocol/status.ts";
import { BreakerView } from "../../../protocol/traffic.ts";
import { gauge, type Row, states } from "./family.ts";

const LABELS = ["engine", "model"];
const STATES = EngineStatus.shape.state.options;
const BREAKERS = BreakerView.shape.state.options;

/** Each engine that somebody's settings name, or that is still loaded. */
export function addEngines(registry: Registry, engines: readonly EngineStatus[]): void {
  for (const { name, help, read } of NUMBERS)
    gauge(
      registry,
      { name: `tandem_engine_${name}`, help, labels: LABELS },
      engines.map((it) => ({ labels: nameOf(it), value: read(it) })),
    );
  gauge(
    registry,
    { name: "tandem_engine_state", help: "1 for how it is", labels: [...LABELS, "state"] },
    engines.flatMap((it) => states(nameOf(it), STATES, it.state)),
  );
  gauge(
    registry,
    {
      name: "tandem_engine_breaker",
      help: "1 for the state of its circuit breaker: open lets no request through",
      labels: [...LABELS, "state"],
    },
    engines.flatMap((it) => states(nameOf(it), BREAKERS, it.breaker.state)),
  );
  gauge(
    registry,
    {
      name: "tandem_engine_memory_bytes",
      help: "What it holds of a device",
      labels: [...LABELS, "device", "measured"],
    },
    engines.flatMap(memoryOf),
  );
}

/** By its handle, which holds for all clients, as long as the orchestrator lives. */
function nameOf({ handle, model }: EngineStatus): Row["labels"] {
  return { engine: handle, model: seriesName(model.label) };
}

function memoryOf(engine: EngineStatus): Row[] {
  return engine.memory.map(({ device, bytes, isMeasured }) => ({
    labels: { ...nameOf(engine), device, measured: String(isMeasured) },
    value: bytes,
  }));
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}

const NUMBERS: readonly {
  readonly name: string;
  readonly help: string;
  readonly read: (it: EngineStatus) => number | null;
}[] = [
  { name: "queued_requests", help: "Requests that wait for it", read: (it) => it.queued },
  { name: "active_requests", help: "Requests that it answers", read: (it) => it.active },
  { name: "slots", help: "Requests that it can answer at a time", read: (it) => it.slots },
  { name: "users", help: "Clients whose settings name it", read: (it) => it.users },
  { name: "pinned", help: "1 where it is never unloaded by itself", read: (it) => (it.isPinned ? 1 : 0) },
  { name: "recent_failures", help: "Failures since it last worked", read: (it) => it.failures },
  { name: "load_seconds", help: "What its last load took", read: (it) => seconds(it.loadMs) },
  { name: "idle_seconds", help: "How long it has had nothing to do", read: (it) => seconds(it.idleMs) },
  {
    name: "prefill_tokens_per_second",
    help: "How fast it reads prompts, a moving average",
    read: (it) => it.prefillTokensPerSecond,
  },
  {
    name: "decode_tokens_per_second",
    help: "How fast it writes, a moving average",
    read: (it) => it.decodeTokensPerSecond,
  },
];
