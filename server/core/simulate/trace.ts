import type { Priority } from "../govern/event.ts";
import type { Loadable } from "../govern/loadable.ts";
import type { GovernRules } from "../govern/rules.ts";
import type { Health } from "../telemetry.ts";

/** What happens to a machine, for the governor to be tried on. Gigabytes are 2^30 bytes, as memory is sold. */
export interface Trace {
  /** One sentence: what it shows. */
  readonly about: string;
  readonly devices: readonly TraceDevice[];
  readonly models: readonly TraceModel[];
  readonly requests: readonly TraceRequest[];
  /** What other programs hold of a device from then on. */
  readonly foreign: readonly ({ readonly gigabytes: number } & Moment)[];
  /** How warm a device is from then on; 45 before. */
  readonly warmth: readonly ({ readonly celsius: number } & Moment)[];
  /** What readings of a device are worth from then on; while they are not "ok" the last good one is all there is. */
  readonly telemetry: readonly ({ readonly health: Health } & Moment)[];
  /** What is not given is as in `GOVERN_RULES`. */
  readonly rules: Partial<GovernRules>;
  /** Whether the driver tells which process holds what. Windows and some containers hide it. */
  readonly tellsProcesses: boolean;
  /** It goes on at least until then, so that idle models are seen to go. */
  readonly untilSeconds: number;
}

interface Moment {
  readonly atSeconds: number;
  readonly device: string;
}

export interface TraceDevice {
  readonly device: string;
  readonly name: string;
  readonly totalGigabytes: number;
  readonly reserveGigabytes: number;
}

export interface TraceModel {
  readonly key: string;
  readonly label: string;
  readonly kind: Loadable["kind"];
  readonly options: readonly TraceOption[];
  readonly slots: number;
  readonly loadSeconds: number;
  readonly unloadSeconds: number;
  readonly weight: number;
  /** Whether its backend says what it has taken. */
  readonly saysHeld: boolean;
}

export interface TraceOption {
  /** What is reckoned before it is loaded. */
  readonly needs: readonly TraceNeed[];
  /** What it takes in fact, where that differs. */
  readonly takes?: readonly TraceNeed[] | undefined;
}

export interface TraceNeed {
  readonly device: string;
  readonly gigabytes: number;
}

export interface TraceRequest {
  readonly atSeconds: number;
  /** Keys of models, the one that is wanted first. */
  readonly choices: readonly string[];
  readonly priority: Priority;
  readonly serviceSeconds: number;
  /** It can go on later, so its turn may be ended for more urgent work; left out: it cannot. */
  readonly yields?: boolean;
}

export const GIGABYTE = 2 ** 30;

/** A model of a trace as the governor is told of it. */
export function loadableOf(model: TraceModel): Loadable {
  const options = model.options.map((it) => {
    const needs = it.needs.map(({ device, gigabytes }) => ({ device, bytes: gigabytes * GIGABYTE }));
    return { id: it.needs.map(({ device }) => device).join("+"), needs, why: "as the trace says" };
  });
  const { key, label, kind, slots, weight } = model;
  return { key, label, kind, options, slots, weight, loadMs: model.loadSeconds * 1_000 };
}
