import type { DeviceFact } from "../govern/event.ts";
import type { Need } from "../govern/loadable.ts";
import { type Pressure, pressureAfter } from "../pressure.ts";
import type { Health } from "../telemetry.ts";
import { type Thermal, thermalAfter } from "../thermal.ts";
import { GIGABYTE, type Trace, type TraceModel, type TraceOption } from "./trace.ts";

/** The memory of a machine as it is, apart from what anybody believes of it. A model can run out of it here. */
export interface Machine {
  /** Takes memory bit by bit until `loadMs` have passed. */
  beginLoad(load: { id: string; key: string; option: TraceOption; atMs: number; loadMs: number }): void;
  /** All of it is taken now. False: there was not enough, and what was taken is given back. */
  endLoad(id: string, atMs: number): boolean;
  /** Its process is gone; its memory is still taken until `free`, as drivers take a moment. */
  leave(id: string): void;
  free(id: string): void;
  setForeign(device: string, gigabytes: number): void;
  setWarmth(device: string, celsius: number): void;
  setHealth(device: string, health: Health): void;
  /** Devices on which more is used than there is. */
  overfull(atMs: number): readonly string[];
  usedOn(device: string, atMs: number): number;
  /** By a process that is there. */
  heldBy(key: string, device: string): number;
  /** What a monitor would say now. */
  read(atMs: number): readonly DeviceFact[];
}

interface Taken {
  readonly key: string;
  readonly takes: readonly Need[];
  readonly fromMs: number;
  /** Null: all of it is taken. */
  readonly loadMs: number | null;
  readonly isGone: boolean;
}

interface Sensor {
  celsius: number;
  health: Health;
  pressure: Pressure | null;
  thermal: Thermal | null;
  last: DeviceFact | null;
}

const USUAL_CELSIUS = 45;

export function takesOf(option: TraceOption): readonly Need[] {
  return (option.takes ?? option.needs).map(({ device, gigabytes }) => ({ device, bytes: gigabytes * GIGABYTE }));
}

export function createMachine(trace: Trace): Machine {
  const taken = new Map<string, Taken>();
  const foreign = new Map<string, number>();
  const sensors = new Map<string, Sensor>(
    trace.devices.map((it) => [
      it.device,
      { celsius: USUAL_CELSIUS, health: "ok", pressure: null, thermal: null, last: null },
    ]),
  );
  const part = ({ fromMs, loadMs }: Taken, atMs: number) =>
    loadMs === null || loadMs === 0 ? 1 : Math.min(1, (atMs - fromMs) / loadMs);
  const held = (it: Taken, device: string, atMs: number) => onDevice(it.takes, device) * part(it, atMs);
  const usedOn = (device: string, atMs: number) =>
    [...taken.values()].reduce((sum, it) => sum + held(it, device, atMs), foreign.get(device) ?? 0);
  const overfull = (atMs: number) =>
    trace.devices.filter((it) => usedOn(it.device, atMs) > it.totalGigabytes * GIGABYTE).map((it) => it.device);
  return {
    beginLoad({ id, key, option, atMs, loadMs }) {
      taken.set(id, { key, takes: takesOf(option), fromMs: atMs, loadMs, isGone: false });
    },
    endLoad(id, atMs) {
      const it = taken.get(id);
      if (!it) return false;
      taken.set(id, { ...it, loadMs: null });
      const isEnough = !overfull(atMs).some((device) => onDevice(it.takes, device) > 0);
      if (!isEnough) taken.delete(id);
      return isEnough;
    },
    leave(id) {
      const it = taken.get(id);
      if (it) taken.set(id, { ...it, isGone: true });
    },
    free: (id) => void taken.delete(id),
    setForeign: (device, gigabytes) => void foreign.set(device, gigabytes * GIGABYTE),
    setWarmth(device, celsius) {
      const sensor = sensors.get(device);
      if (sensor) sensor.celsius = celsius;
    },
    setHealth(device, health) {
      const sensor = sensors.get(device);
      if (sensor) sensor.health = health;
    },
    overfull,
    usedOn,
    heldBy: (key, device) =>
      [...taken.values()].reduce(
        (sum, it) => (it.key === key && !it.isGone ? sum + onDevice(it.takes, device) : sum),
        0,
      ),
    read: (atMs) =>
      trace.devices.map((it) => {
        const present = [...taken.values()].filter((one) => !one.isGone);
        const holdings = new Map(present.map((one) => [one.key, held(one, it.device, atMs)]));
        const usedBytes = usedOn(it.device, atMs);
        return readDevice(it, sensors, { atMs, usedBytes, held: trace.tellsProcesses ? holdings : new Map() });
      }),
  };
}

function onDevice(needs: readonly Need[], device: string): number {
  return needs.reduce((sum, it) => (it.device === device ? sum + it.bytes : sum), 0);
}

function readDevice(
  { device, name, totalGigabytes, reserveGigabytes }: Trace["devices"][number],
  sensors: ReadonlyMap<string, Sensor>,
  { atMs, usedBytes, held }: { atMs: number; usedBytes: number; held: ReadonlyMap<string, number> },
): DeviceFact {
  const sensor = sensors.get(device);
  if (!sensor) throw new Error(`There is no device ${device}`);
  if (sensor.health !== "ok" && sensor.last) return { ...sensor.last, health: sensor.health };
  const totalBytes = totalGigabytes * GIGABYTE;
  sensor.pressure = pressureAfter(sensor.pressure, { usedBytes, totalBytes, atMs });
  // What was never warm has nothing to be reckoned with.
  if (sensor.thermal || sensor.celsius !== USUAL_CELSIUS)
    sensor.thermal = thermalAfter(sensor.thermal, { celsius: sensor.celsius, isBraked: false, atMs });
  const thermal = sensor.thermal?.level ?? "normal";
  const levels = { pressure: sensor.pressure.level, thermal, health: sensor.health };
  const here = new Map([...held].filter(([, bytes]) => bytes > 0));
  const size = { totalBytes, usedBytes, reserveBytes: reserveGigabytes * GIGABYTE };
  sensor.last = { device, name, ...size, ...levels, held: here };
  return sensor.last;
}

/** The option that the governor chose, as the trace gives it. */
export function optionBy(model: TraceModel, id: string): TraceOption {
  const found = model.options.find((it) => it.needs.map(({ device }) => device).join("+") === id);
  if (!found) throw new Error(`The model ${model.key} has no option ${id}`);
  return found;
}
