import { readdir, readFile, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import type { GpuReading, Report } from "../core/telemetry.ts";
import type { BySlot, DrmClients } from "./drmClients.ts";
import type { GpuSource, SourceDeps } from "./source.ts";

/** Where the kernel tells of graphics cards. */
export const DRM = "/sys/class/drm";
const AMD = "0x1002";
/** More cards than any machine has. */
const MOST_CARDS = 64;

export interface AmdDeps extends SourceDeps {
  /** `DRM`, or what looks like it. */
  readonly root: string;
  readonly clients: DrmClients;
  readonly periodMs: number;
}

/** Who holds the memory is looked up with every so many readings: it costs more than they do. */
const CLIENTS_EVERY = 5;

/**
 * AMD's GPUs by what the kernel driver writes into sysfs, without any tool. A read that hangs keeps others waiting for nothing: no
 * other is begun meanwhile, and the readings grow old.
 */
export function watchAmd({ root, clients, periodMs, report }: AmdDeps): GpuSource {
  let nth = 0;
  let holders: BySlot = new Map();
  let isReading = false;
  let isOver = false;
  const read = async () => {
    if (isReading) return;
    isReading = true;
    try {
      const reports = await readAmdOnce({ root, holders });
      for (const it of reports) if (!isOver) report(it);
      // Not before there is a card: the files of all processes are looked through for it.
      const isDue = reports.some((it) => it.kind === "reading") && nth++ % CLIENTS_EVERY === 0;
      if (isDue && !isOver) holders = await clients.read();
    } finally {
      isReading = false;
    }
  };
  const timer = setInterval(() => void read(), periodMs).unref(); // it catches what can fail
  void read(); // as above
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      clearInterval(timer);
    },
  };
}

/** One report for each card; or that there is none. Never throws. */
export async function readAmdOnce({
  root,
  holders,
}: {
  readonly root: string;
  readonly holders: BySlot;
}): Promise<Report[]> {
  const names = await readdir(root).catch(() => []);
  // Outputs are listed beside the cards: "card0-HDMI-A-1".
  const cards = names.filter((it) => /^card\d+$/.test(it)).toSorted((a, b) => numberIn(a) - numberIn(b));
  const read = await Promise.all(cards.slice(0, MOST_CARDS).map((it) => readCard(join(root, it, "device"), holders)));
  const gpus = read.filter((it) => it !== null).map((it, index) => ({ ...it, index }));
  if (gpus.length === 0) return [{ kind: "absent", reason: "the kernel knows no AMD GPU" }];
  return gpus.map((gpu) => ({ kind: "reading", gpu }));
}

/** Null: another maker's. */
async function readCard(folder: string, holders: BySlot): Promise<Omit<GpuReading, "index"> | null> {
  if ((await text(folder, "vendor")) !== AMD) return null;
  const [sensors, slot] = await Promise.all([sensorsOf(folder), slotOf(folder)]);
  const [totalBytes, usedBytes, busy, name, unique, edge, average, input, cap, core, memory] = await Promise.all([
    number(folder, "mem_info_vram_total"),
    number(folder, "mem_info_vram_used"),
    number(folder, "gpu_busy_percent"),
    text(folder, "product_name"),
    text(folder, "unique_id"),
    number(sensors, "temp1_input"),
    number(sensors, "power1_average"),
    number(sensors, "power1_input"),
    number(sensors, "power1_cap"),
    number(sensors, "freq1_input"),
    number(sensors, "freq2_input"),
  ]);
  const isPossible = totalBytes !== null && totalBytes > 0 && (usedBytes === null || usedBytes <= totalBytes);
  const known = isPossible ? { totalBytes, usedBytes } : { totalBytes: null, usedBytes: null };
  return {
    uuid: unique ? `AMD-${unique}` : `AMD-${slot}`,
    vendor: "amd",
    name: name || `AMD GPU ${(await text(folder, "device")) ?? ""}`.trim(),
    ...known,
    freeBytes: known.totalBytes === null || known.usedBytes === null ? null : known.totalBytes - known.usedBytes,
    busyPercent: busy !== null && busy <= 100 ? busy : null,
    celsius: scaled(edge, 1_000),
    powerWatts: scaled(average ?? input, 1_000_000),
    powerLimitWatts: scaled(cap, 1_000_000),
    coreMegahertz: scaled(core, 1_000_000),
    memoryMegahertz: scaled(memory, 1_000_000),
    // What slows it down, the kernel does not say here.
    brakes: null,
    processes: holders.get(slot) ?? null,
    computeCapability: null,
    driver: null,
    isPartitioned: false,
    fault: isPossible
      ? null
      : `its driver says it has ${totalBytes ?? "no"} bytes of memory, ${usedBytes ?? "no"} of them used`,
  };
}

/** The driver's sensors lie in the one folder below `hwmon`, whose number differs. */
async function sensorsOf(folder: string): Promise<string> {
  const [first] = await readdir(join(folder, "hwmon")).catch(() => []);
  return join(folder, "hwmon", first ?? "none");
}

/** The card's place on the bus, such as "0000:03:00.0": the same after every start. */
async function slotOf(folder: string): Promise<string> {
  return basename(await realpath(folder).catch(() => folder));
}

/** What a file of the kernel's says; null when there is none, or it cannot be read now. */
async function text(folder: string, name: string): Promise<string | null> {
  return readFile(join(folder, name), "utf8").then(
    (it) => it.trim(),
    () => null,
  );
}

async function number(folder: string, name: string): Promise<number | null> {
  const written = await text(folder, name);
  return written !== null && /^\d{1,15}$/.test(written) ? Number(written) : null;
}

function scaled(value: number | null, by: number): number | null {
  return value === null ? null : value / by;
}

function numberIn(name: string): number {
  return Number(/\d+/.exec(name)?.[0] ?? 0);
}
