import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { GPU_RESERVE_BYTES, type Hardware, mainReserveBytes } from "./core/choose.ts";
import type { DeviceFact } from "./core/govern/event.ts";
import { type Pressure, type PressureRules, pressureAfter } from "./core/pressure.ts";
import type { Monitor, Telemetry, Watched } from "./monitor.ts";
import type { Clock } from "./ports.ts";
import type { Devices } from "./slot/owner.ts";

/** The processes and the main memory of this machine. Nothing here waits. */
export interface MachineMemory {
  read(): MainMemory;
  /** What a process holds of it; null: this system does not tell. */
  held(pid: number): HeldMemory | null;
  /** Who started a process; null: not known. */
  parentOf(pid: number): number | null;
}

export interface MainMemory {
  readonly totalBytes: number;
  /** What programs hold and would not give back; null: this system does not tell. */
  readonly usedBytes: number | null;
}

export interface HeldMemory {
  readonly bytes: number;
  /** Of these, pages of files: the system counts them as free, since it could read them again. */
  readonly fileBytes: number;
}

export interface DevicesDeps {
  readonly monitor: Pick<Monitor, "now" | "listen">;
  readonly memory: MachineMemory;
  readonly clock: Clock;
  /** Kept free of the GPU with this uuid. */
  readonly reserveBytes?: (uuid: string) => number;
  /** GPUs as they were when the hardware was looked at, however that is known since. */
  readonly found?: () => readonly FoundCard[];
}

/** A GPU with its size; of one that is cut that of the instance that engines use. */
export type FoundCard = Pick<Hardware["gpus"][number], "uuid" | "vendor" | "name" | "vramBytes">;

export interface MachineDevices extends Devices {
  /** As last read for the governor. */
  main(): MainMemory | null;
}

/**
 * Main memory is never empty: a machine at 80 % is well, and what the system would give back is not counted as used. Only near its end
 * does it swap, which is what these levels stand before.
 */
const MAIN_PRESSURE: PressureRules = { moderate: 88, high: 93, critical: 97, slackPoints: 2, dwellMs: 10_000 };

/** An engine's own workers are its children or theirs. */
const MOST_GENERATIONS = 4;

/** What the governor is told of each memory: GPUs as the monitor knows them, and main memory by the name "cpu". */
export function createDevices(deps: DevicesDeps): MachineDevices {
  const { monitor, memory, clock, reserveBytes = () => GPU_RESERVE_BYTES, found = () => [] } = deps;
  let pressure: Pressure | null = null;
  let main: MainMemory | null = null;

  function mainFact(owned: ReadonlyMap<string, number>): DeviceFact {
    const { read, filesBytes, held } = readMain(memory, owned);
    main = read;
    const { totalBytes, usedBytes } = read;
    if (usedBytes !== null)
      pressure = pressureAfter(pressure, { usedBytes, totalBytes, atMs: clock.nowMs() }, MAIN_PRESSURE);
    return {
      ...{ device: "cpu", name: "main memory", totalBytes, held, health: "ok", thermal: "normal" },
      // Pages of model files are taken, as far as models go: without them they are slow.
      usedBytes: usedBytes === null ? null : Math.min(totalBytes, usedBytes + filesBytes),
      reserveBytes: mainReserveBytes(totalBytes),
      pressure: pressure?.level ?? "normal",
    };
  }

  function gpuFacts(owned: ReadonlyMap<string, number>): readonly DeviceFact[] {
    const telemetry = monitor.now();
    const cards = new Map(found().map((it) => [it.uuid, it]));
    const read = telemetry.gpus.flatMap((it) => {
      const { uuid } = it.reading;
      const known = sized(it, cards.get(uuid)?.vramBytes ?? null);
      cards.delete(uuid);
      return gpuFact(known, { owned, memory, reserveBytes: reserveBytes(uuid) });
    });
    return [...read, ...[...cards.values()].map((it) => unreadFact(it, telemetry, reserveBytes(it.uuid)))];
  }

  return {
    facts: (owned) => [...gpuFacts(owned), mainFact(owned)],
    listen: (listener) => monitor.listen(listener),
    main: () => main,
  };
}

function readMain(memory: MachineMemory, owned: ReadonlyMap<string, number>) {
  const held = new Map<string, number>();
  let filesBytes = 0;
  for (const [key, pid] of owned) {
    const own = memory.held(pid);
    if (!own) continue;
    held.set(key, own.bytes);
    filesBytes += own.fileBytes;
  }
  return { read: memory.read(), filesBytes, held };
}

interface Given {
  readonly owned: ReadonlyMap<string, number>;
  readonly memory: MachineMemory;
  readonly reserveBytes: number;
}

/**
 * What the driver tells of a card that is cut (MIG) is about all its instances, most of them other people's: of the one that engines use
 * only the size is known. A card whose reading is damaged is as large as it was.
 */
function sized(card: Watched, sizeBytes: number | null): Watched {
  const { reading } = card;
  if (!reading.isPartitioned) return { ...card, reading: { ...reading, totalBytes: reading.totalBytes ?? sizeBytes } };
  return { ...card, pressure: null, reading: { ...reading, totalBytes: sizeBytes, usedBytes: null, freeBytes: null } };
}

/** Nothing for a card whose size nobody knows: nothing can be put there. */
function gpuFact({ reading, health, pressure, thermal }: Watched, given: Given): DeviceFact[] {
  const { uuid, name, totalBytes, usedBytes } = reading;
  if (totalBytes === null) return [];
  const held = heldOf(reading.processes ?? [], given);
  const levels = { pressure: pressure?.level ?? "normal", thermal: thermal?.level ?? "normal" } as const;
  return [{ device: uuid, name, totalBytes, usedBytes, reserveBytes: given.reserveBytes, health, held, ...levels }];
}

/**
 * A card that was found at the start and of which no reading has come: its size holds, and what is used of it nobody knows. Its source may
 * still speak, or have said that it cannot.
 */
function unreadFact(
  { uuid, vendor, name, vramBytes }: FoundCard,
  { sources }: Telemetry,
  reserveBytes: number,
): DeviceFact {
  const health = sources.find((it) => it.name === vendor)?.health ?? null;
  const isOver = health === "broken" || health === "absent";
  const sizes = { totalBytes: vramBytes, usedBytes: null, reserveBytes, held: new Map<string, number>() };
  const levels = { pressure: "normal", thermal: "normal" } as const;
  const fact = { device: uuid, name, ...sizes, ...levels };
  return isOver ? { ...fact, health } : { ...fact, health: "broken", isUnread: true };
}

/** By key, where the driver tells which process holds what. */
function heldOf(
  processes: NonNullable<Watched["reading"]["processes"]>,
  { owned, memory }: Given,
): Map<string, number> {
  const keys = new Map([...owned].map(([key, pid]) => [pid, key]));
  const held = new Map<string, number>();
  for (const { pid, bytes } of processes) {
    const key = bytes === null ? null : ownerOf(pid, keys, memory);
    if (key !== null && bytes !== null) held.set(key, (held.get(key) ?? 0) + bytes);
  }
  return held;
}

function ownerOf(pid: number, keys: ReadonlyMap<number, string>, memory: MachineMemory): string | null {
  let at: number | null = pid;
  for (let generation = 0; at !== null && at > 1 && generation <= MOST_GENERATIONS; generation++) {
    const key = keys.get(at);
    if (key !== undefined) return key;
    at = keys.size === 0 ? null : memory.parentOf(at);
  }
  return null;
}

/** This machine's. Linux tells everything; Windows what is free; macOS counts files as used, so that its figure says nothing. */
export function machineMemory(): MachineMemory {
  if (process.platform === "linux") return { read: readProc, held: heldProc, parentOf: parentProc };
  const totalBytes = totalmem();
  const usedBytes = () => (process.platform === "win32" ? totalBytes - freemem() : null);
  return { read: () => ({ totalBytes, usedBytes: usedBytes() }), held: () => null, parentOf: () => null };
}

const KIB = 1_024;

/** In a container with a limit of its own the machine's figure says nothing: its size is the limit, and nobody tells what is used. */
function readProc(): MainMemory {
  const text = readText("/proc/meminfo");
  const machineBytes = kibOf(text, "MemTotal") ?? totalmem();
  const limitBytes = process.constrainedMemory();
  if (limitBytes > 0 && limitBytes < machineBytes) return { totalBytes: limitBytes, usedBytes: null };
  const availableBytes = kibOf(text, "MemAvailable");
  return { totalBytes: machineBytes, usedBytes: availableBytes === null ? null : machineBytes - availableBytes };
}

function heldProc(pid: number): HeldMemory | null {
  const text = readText(`/proc/${pid}/status`);
  const [bytes, fileBytes] = [kibOf(text, "VmRSS"), kibOf(text, "RssFile")];
  return bytes === null || fileBytes === null ? null : { bytes, fileBytes };
}

function parentProc(pid: number): number | null {
  const parent = /^PPid:\s+(\d+)$/m.exec(readText(`/proc/${pid}/status`))?.[1];
  return parent === undefined ? null : Number(parent);
}

function kibOf(text: string, name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
  return found === undefined ? null : Number(found) * KIB;
}

/** The kernel's, no disk's; empty for a process that has just gone. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
