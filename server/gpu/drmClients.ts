import { readdirSync, readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GpuProcess } from "../core/telemetry.ts";

/** Processes by the place on the bus of the card that they use, such as "0000:03:00.0". */
export type BySlot = ReadonlyMap<string, readonly GpuProcess[]>;

/** Who holds memory of graphics cards, as the kernel tells in /proc (its documentation: DRM client usage stats). */
export interface DrmClients {
  /** This user's processes, which are all that may be looked at. Never throws. */
  read(): Promise<BySlot>;
}

/** A process that opens no card in its first looks is looked at again only with every so many. */
const LOOKS = 3;
const EVERY = 6;
/** Beyond these a machine is no desktop, and nobody waits for it. */
const MOST_PROCESSES = 4_096;
const MOST_FILES = 1_024;

/** Looking through the files of every process is what costs, so those without a card are seldom looked at. */
export function createDrmClients(proc = "/proc"): DrmClients {
  let nth = 0;
  /** By pid: how often it was looked at without finding a card; 0 when it has one. */
  let looked = new Map<string, number>();
  return {
    async read() {
      const isFull = nth++ % EVERY === 0;
      const pids = list(proc).filter((it) => /^\d+$/.test(it));
      const next = new Map<string, number>();
      const found = new Map<string, GpuProcess[]>();
      for (const pid of pids.slice(0, MOST_PROCESSES)) {
        const before = looked.get(pid);
        const files = isFull || before === undefined || before < LOOKS ? drmFiles(join(proc, pid)) : [];
        next.set(pid, files.length > 0 ? 0 : (before ?? 0) + 1);
        if (files.length > 0) await addClients(found, { proc, pid, files });
      }
      looked = next;
      for (const it of found.values()) it.sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
      return found;
    },
  };
}

/** Numbers of the files it has open that are graphics cards. A link is read without asking any driver. */
function drmFiles(folder: string): string[] {
  return list(join(folder, "fd"))
    .slice(0, MOST_FILES)
    .filter((it) => {
      try {
        return readlinkSync(join(folder, "fd", it)).startsWith("/dev/dri/");
      } catch {
        return false; // it was closed meanwhile
      }
    });
}

interface Opened {
  readonly proc: string;
  readonly pid: string;
  readonly files: readonly string[];
}

/** A card that was opened once and inherited or duplicated is one client under several numbers. */
async function addClients(found: Map<string, GpuProcess[]>, { proc, pid, files }: Opened): Promise<void> {
  const clients = new Map<string, { readonly slot: string; readonly bytes: number }>();
  for (const it of files) {
    const client = parseClient(await text(join(proc, pid, "fdinfo", it)));
    if (client) clients.set(`${client.slot} ${client.id}`, client);
  }
  const name = (await text(join(proc, pid, "comm"))).trim() || "a program";
  const bytes = new Map<string, number>();
  for (const it of clients.values()) bytes.set(it.slot, (bytes.get(it.slot) ?? 0) + it.bytes);
  for (const [slot, sum] of bytes) {
    const process = { pid: Number(pid), name, bytes: sum };
    found.set(slot, [...(found.get(slot) ?? []), process]);
  }
}

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** What amdgpu says of one open file; null: it is another driver's, or says nothing of its memory. */
export function parseClient(
  written: string,
): { readonly slot: string; readonly id: string; readonly bytes: number } | null {
  const field = (name: string) => new RegExp(`^${name}:\\s*(.+)$`, "m").exec(written)?.[1]?.trim() ?? null;
  const slot = field("drm-pdev");
  const memory = field("drm-resident-vram") ?? field("drm-memory-vram") ?? field("drm-total-vram");
  if (field("drm-driver") !== "amdgpu" || slot === null || memory === null) return null;
  const [, value, unit] = /^(\d{1,15})(?:\s+(\w+))?$/.exec(memory) ?? [];
  const by = unit === undefined ? 1 : UNITS[unit];
  if (value === undefined || by === undefined) return null;
  return { slot, id: field("drm-client-id") ?? "", bytes: Number(value) * by };
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // another user's, or gone
  }
}

/** The driver answers this one, and may hang: it is read beside everything else. */
async function text(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
