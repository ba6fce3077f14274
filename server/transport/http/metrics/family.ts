import { Counter, Gauge, type Registry } from "prom-client";
import type { Spreads } from "../../../tally.ts";

/** One value, and what it is of. Null: it is not known, and nothing is said of it. */
export interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | null;
}

/** What a metric is called and by what its values are told apart; the same at every scrape, values or none. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export function gauge(registry: Registry, family: Family, rows: readonly Row[]): void {
  const made = new Gauge({ ...family, labelNames: [...family.labels], registers: [registry] });
  // Without labels it begins with a zero that nobody has measured.
  made.reset();
  if (family.labels.length === 0) made.remove();
  for (const { labels, value } of rows) if (value !== null) made.set(labels, value);
}

export function counter(registry: Registry, family: Family, rows: readonly Row[]): void {
  const made = new Counter({ ...family, labelNames: [...family.labels], registers: [registry] });
  for (const { labels, value } of rows) if (value !== null) made.inc(labels, value);
}

/** The library counts its own histograms only; these were counted before it was loaded, so they are given to it as they are. */
export function histogram(registry: Registry, family: Family, { bounds, all }: Spreads): void {
  const { name, help } = family;
  const values = all.flatMap(({ labels, count, seconds, within }) => [
    ...bounds.map((bound, nth) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bound },
      value: within[nth] ?? 0,
    })),
    { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
    { metricName: `${name}_sum`, labels, value: seconds },
    { metricName: `${name}_count`, labels, value: count },
  ]);
  const made = new Gauge({ ...family, labelNames: [...family.labels], registers: [registry] });
  Object.assign(made, { get: () => Promise.resolve({ name, help, type: "histogram", values }) });
}

/** A value of 1 for the state that it is in and 0 for every other one, so that each can be counted and plotted; none where it is not known. */
export function states(labels: Row["labels"], all: readonly string[], now: string | null, label = "state"): Row[] {
  if (now === null) return [];
  return all.map((it) => ({ labels: { ...labels, [label]: it }, value: it === now ? 1 : 0 }));
}
