import { join } from "node:path";
import { type Correction, correctionOf } from "../core/correction.ts";
import type { LoadPlan } from "../core/estimatePlan.ts";
import { readPrivateFile, writePrivateFile } from "../platform/privateFile.ts";
import { ensurePrivateFolder } from "../platform/privateFolder.ts";
import type { Log } from "../ports.ts";
import {
  type Entry,
  type FileIdentity,
  loadKey,
  modelKey,
  NOTHING,
  Remembered,
  remember,
  type Timing,
} from "./record.ts";

/** One way to load one file. */
export interface LoadOf {
  readonly file: FileIdentity;
  readonly plan: LoadPlan;
  /** Null: whichever. */
  readonly backend: string | null;
}

/** What earlier loads say. */
export interface Learnt {
  /** Of one device: a GPU's uuid, or "cpu". */
  correction(of: LoadOf, device: string): Correction;
  /** How long loading it there took, the middle of the last times; null: it never was. */
  loadMs(file: FileIdentity, option: string): number | null;
}

/** A load that is done, and what it was found to take. */
export interface Noted {
  /** Names the engine: eight hex digits. */
  readonly life: string;
  readonly of: LoadOf & { readonly backend: string };
  readonly option: string;
  readonly tookMs: number;
  readonly devices: readonly Pick<Entry, "device" | "estimatedBytes" | "measuredBytes" | "by">[];
}

/** Estimates, corrected by what loads took. It advises: whatever happens to its file, loading goes on. */
export interface Calibration {
  learnt(): Promise<Learnt>;
  note(noted: Noted): Promise<void>;
}

export interface CalibrationDeps {
  /** The state folder. */
  readonly folder: string;
  readonly log: Log;
}

const FILE = "calibration.json";

export function createCalibration({ folder, log }: CalibrationDeps): Calibration {
  let known: Promise<Remembered> | null = null;
  let written: Remembered | null = null;
  let writing: Promise<void> = Promise.resolve();
  const read = () => {
    known ??= readRemembered(folder, log);
    return known;
  };
  return {
    learnt: async () => learntFrom(await read()),
    note(noted) {
      known = read().then((before) => withLoad(before, noted));
      // One after the other; what was noted meanwhile goes with the next.
      writing = writing.then(async () => {
        const latest = await read();
        if (latest === written) return;
        await write(folder, latest, log);
        written = latest;
      });
      return writing;
    },
  };
}

/** What can be read of the file; a damaged one is as good as none, and is written anew with the next load. */
export async function readRemembered(folder: string, log: Log): Promise<Remembered> {
  try {
    const text = await readPrivateFile(join(folder, FILE));
    if (text === null) return NOTHING;
    return Remembered.parse(JSON.parse(text));
  } catch (error) {
    log.warn("calibration cannot be read", { reason: String(error).slice(0, 300) });
    return NOTHING;
  }
}

async function write(folder: string, remembered: Remembered, log: Log): Promise<void> {
  try {
    await ensurePrivateFolder(folder);
    await writePrivateFile(join(folder, FILE), JSON.stringify(remembered));
  } catch (error) {
    log.warn("calibration cannot be written", { reason: String(error).slice(0, 300) });
  }
}

function withLoad(before: Remembered, { life, of, option, tookMs, devices }: Noted): Remembered {
  const key = { life, model: modelKey(of.file), load: loadKey(of.plan), backend: of.backend };
  const timing: Timing = { life, model: key.model, backend: of.backend, option, tookMs };
  const entries = devices
    .filter((it) => it.estimatedBytes > 0 && it.measuredBytes > 0)
    .map(({ device, by, ...bytes }) => ({
      ...key,
      device,
      by,
      estimatedBytes: Math.ceil(bytes.estimatedBytes),
      measuredBytes: Math.ceil(bytes.measuredBytes),
    }));
  return remember(before, entries, timing);
}

/** The last times count. */
const LAST = 5;

export function learntFrom({ entries, timings }: Remembered): Learnt {
  return {
    correction({ file, plan, backend }, device) {
      const [model, load] = [modelKey(file), loadKey(plan)];
      const here = entries.filter((it) => it.device === device && (backend === null || it.backend === backend));
      const same = here.filter((it) => it.model === model && it.load === load);
      return correctionOf(preferDriver(same), preferDriver(here));
    },
    loadMs(file, option) {
      const model = modelKey(file);
      const last = timings.filter((it) => it.model === model && it.option === option).slice(-LAST);
      const sorted = last.map((it) => it.tookMs).toSorted((a, b) => a - b);
      return sorted[Math.floor(sorted.length / 2)] ?? null;
    },
  };
}

/** The driver sees what an engine does not tell, its own context for one. */
function preferDriver(entries: readonly Entry[]): readonly Entry[] {
  const seen = entries.filter((it) => it.by === "driver");
  return seen.length > 0 ? seen : entries;
}
