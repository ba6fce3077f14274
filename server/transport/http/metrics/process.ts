import type { Registry } from "prom-client";
import type { Status } from "../../../protocol/status.ts";
import { counter, gauge } from "./family.ts";

export interface ProcessFacts {
  readonly version: string;
  readonly startedMs: number;
  readonly status: Status;
}

/** The orchestrator itself; engines are processes of their own. Names without our prefix are those that every Prometheus client has. */
export function addProcess(registry: Registry, { version, startedMs, status }: ProcessFacts): void {
  const one = (name: string, help: string, value: number | null) =>
    gauge(registry, { name, help, labels: [] }, [{ labels: {}, value }]);
  const info = { name: "tandem_build_info", help: "Which Tandem this is", labels: ["version"] };
  gauge(registry, info, [{ labels: { version }, value: 1 }]);
  const { user, system } = process.cpuUsage();
  const cpu = { name: "process_cpu_seconds_total", help: "Processor time of the orchestrator", labels: [] };
  counter(registry, cpu, [{ labels: {}, value: (user + system) / 1_000_000 }]);
  one("process_resident_memory_bytes", "Main memory of the orchestrator", process.memoryUsage.rss());
  one("process_start_time_seconds", "When the orchestrator began, since 1970", startedMs / 1_000);
  one("tandem_requests_running", "Requests of all clients that run", status.running);
  one("tandem_clients", "Windows, commands and editors that are connected", status.clients.length);
  one("tandem_draining", "1 once it takes no new requests", status.isDraining ? 1 : 0);
}
