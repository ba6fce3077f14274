import type { Brake, GpuReading } from "../core/telemetry.ts";
import type { Lost } from "./nvidiaTrouble.ts";

/** What is asked, in this order. Drivers that do not know one of `OPTIONAL` are asked without it. */
export const FIELDS: readonly string[] = [
  "index",
  "uuid",
  "name",
  "memory.total",
  "memory.used",
  "memory.free",
  "utilization.gpu",
  "temperature.gpu",
  "power.draw",
  "power.limit",
  "clocks.sm",
  "clocks.mem",
  "clocks_throttle_reasons.active",
  "compute_cap",
  "driver_version",
  "mig.mode.current",
  "pci.bus_id",
];

/** Fields by their younger names, for the drivers that have dropped the older one. */
const RENAMED: Readonly<Record<string, string>> = { "clocks_throttle_reasons.active": "clocks_event_reasons.active" };
/** Drivers older than 2021 lack some of these. */
const OPTIONAL: ReadonlySet<string> = new Set([
  "clocks.sm",
  "clocks.mem",
  "clocks_throttle_reasons.active",
  "clocks_event_reasons.active",
  "compute_cap",
  "mig.mode.current",
  "power.draw",
  "power.limit",
  "pci.bus_id",
]);

/** What to ask instead, after the tool has refused a field by its name; null when it is not about a field that can be left out. */
export function fieldsWithout(said: string, fields: readonly string[]): readonly string[] | null {
  const refused = /Field "([^"]+)" is not a valid field/i.exec(said)?.[1];
  if (!refused || !fields.includes(refused) || !OPTIONAL.has(refused)) return null;
  const younger = RENAMED[refused];
  return younger ? fields.map((it) => (it === refused ? younger : it)) : fields.filter((it) => it !== refused);
}

/** Where on the bus the row's card is, as the end of "00000000:04:00.0"; null: not told. */
export function slotOf(line: string, fields: readonly string[]): string | null {
  const cell = line.split(",")[fields.indexOf("pci.bus_id")]?.trim().toLowerCase() ?? "";
  return /^[0-9a-f]{4,8}:([0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f])$/.exec(cell)?.[1] ?? null;
}

/** A card of which nothing is known but that it was lost. */
export function lostCard({ index, slot, said }: Lost): GpuReading {
  return lose({ ...NOTHING, uuid: `nvidia-${slot ?? index ?? "lost"}`, index: index ?? 0 }, said);
}

/** The card with nothing of what it said before, since that is over. */
export function lose({ uuid, index, name, totalBytes }: GpuReading, said: string): GpuReading {
  return { ...NOTHING, uuid, index, name, totalBytes, fault: `nvidia-smi says "${said}"` };
}

const NOTHING: GpuReading = {
  ...{ uuid: "", vendor: "nvidia", index: 0, name: "NVIDIA GPU", totalBytes: null, usedBytes: null, freeBytes: null },
  ...{ busyPercent: null, celsius: null, powerWatts: null, powerLimitWatts: null, coreMegahertz: null },
  ...{ memoryMegahertz: null, brakes: null, computeCapability: null, driver: null, isPartitioned: false },
  ...{ processes: null, fault: null },
};

const MEBIBYTE = 1024 ** 2;
/** The driver knows the card, but can no longer talk to it. */
const LOST = /GPU is lost|requires reset/i;

/**
 * One line of `--format=csv,noheader,nounits`. What the driver puts in brackets ("[N/A]", "[Not Supported]") is not known. Memory
 * that cannot be makes the card's reading one with a fault. Null: the line is something else.
 */
export function parseRow(line: string, fields: readonly string[]): GpuReading | null {
  const cells = line.split(",").map((it) => it.trim());
  if (cells.length !== fields.length) return null;
  const cell = (field: string) => cells[fields.indexOf(field)] ?? "";
  const index = /^\d{1,4}$/.test(cell("index")) ? Number(cell("index")) : null;
  const uuid = cell("uuid");
  if (index === null || !(/^GPU-[\w-]+$/.test(uuid) || isUnknown(uuid))) return null;
  const memory = memoryOf(cell);
  return {
    uuid: isUnknown(uuid) ? `nvidia-${index}` : uuid,
    vendor: "nvidia",
    index,
    name: isUnknown(cell("name")) ? "NVIDIA GPU" : cell("name"),
    ...memory,
    busyPercent: between(cell("utilization.gpu"), 0, 100),
    celsius: between(cell("temperature.gpu"), -50, 150),
    powerWatts: between(cell("power.draw"), 0, 5_000),
    powerLimitWatts: between(cell("power.limit"), 0, 5_000),
    coreMegahertz: between(cell("clocks.sm"), 0, 20_000),
    memoryMegahertz: between(cell("clocks.mem"), 0, 50_000),
    brakes: brakesOf(cell("clocks_throttle_reasons.active") || cell("clocks_event_reasons.active")),
    computeCapability: /^\d+\.\d+$/.test(cell("compute_cap")) ? cell("compute_cap") : null,
    driver: /^[\d.]+$/.test(cell("driver_version")) ? cell("driver_version") : null,
    isPartitioned: cell("mig.mode.current") === "Enabled",
    processes: null,
    fault: cells.some((it) => LOST.test(it)) ? `nvidia-smi says "${cells.find((it) => LOST.test(it))}"` : memory.fault,
  };
}

/** The MIG instances of `nvidia-smi -L`, by the card they are cut from. Their size is in the profile's name: "1g.10gb". */
export interface Instance {
  readonly card: string;
  readonly uuid: string;
  readonly profile: string;
  readonly bytes: number;
}

/** Lines like `GPU 0: NAME (UUID: GPU-...)`, each with its `  MIG 1g.5gb Device 0: (UUID: MIG-...)` below it. */
export function parseInstances(printed: string): Instance[] {
  let card = "";
  return printed.split(/\r?\n/).flatMap((line) => {
    card = /^GPU \d+:.*\(UUID: (GPU-[\w-]+)\)/.exec(line)?.[1] ?? card;
    const [, profile, gigabytes, uuid] =
      /^\s+MIG (\S*?(\d+)gb\S*)\s+Device\s+\d+:\s+\(UUID: (MIG-[\w/-]+)\)/.exec(line) ?? [];
    return profile && uuid ? [{ card, uuid, profile, bytes: Number(gigabytes) * 1024 ** 3 }] : [];
  });
}

function memoryOf(
  cell: (field: string) => string,
): Pick<GpuReading, "totalBytes" | "usedBytes" | "freeBytes" | "fault"> {
  const printed = ["memory.total", "memory.used", "memory.free"].map(cell);
  const [total = null, used = null, free = null] = printed.map((it) => numberOf(it));
  const unknown = { totalBytes: null, usedBytes: null, freeBytes: null };
  const broken = printed.find((it) => /error/i.test(it));
  if (broken !== undefined) return { ...unknown, fault: `nvidia-smi says "${broken}" where its memory should be` };
  const isImpossible =
    [total, used, free].some((it) => it !== null && it < 0) ||
    total === 0 ||
    (total !== null && ((used ?? 0) > total || (free ?? 0) > total));
  if (isImpossible) {
    const fault = `nvidia-smi says it has ${printed[0]} MiB, ${printed[1]} used and ${printed[2]} free, which cannot be`;
    return { ...unknown, fault };
  }
  const bytes = (mebibytes: number | null) => (mebibytes === null ? null : mebibytes * MEBIBYTE);
  return { totalBytes: bytes(total), usedBytes: bytes(used), freeBytes: bytes(free), fault: null };
}

function isUnknown(cell: string): boolean {
  return cell === "" || cell === "N/A" || /^\[.*\]$/.test(cell);
}

function numberOf(cell: string): number | null {
  return /^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : null;
}

function between(cell: string, least: number, most: number): number | null {
  const value = numberOf(cell);
  return value !== null && value >= least && value <= most ? value : null;
}

/** nvml.h, nvmlClocksEventReasons: which bits mean what. */
const BRAKES: readonly (readonly [bits: number, brake: Brake])[] = [
  [0x01, "idle"],
  [0x02 | 0x10 | 0x100, "settings"],
  [0x04 | 0x80, "power"],
  [0x20 | 0x40, "heat"],
  [0x08, "hardware"],
];

function brakesOf(mask: string): Brake[] | null {
  if (!/^0x[0-9a-f]{1,16}$/i.test(mask)) return null;
  // All bits that have a meaning are among the lowest.
  const bits = Number.parseInt(mask.slice(-3), 16);
  return BRAKES.filter(([of]) => (bits & of) !== 0).map(([, brake]) => brake);
}
