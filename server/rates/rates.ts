import { join } from "node:path";
import { knownOf, type RateKey, type RateSample, type Rates, ratesAfter, ratesAfterLoad } from "../core/rates.ts";
import { createStore, type Store } from "../journal/store.ts";
import { ensurePrivateFolder } from "../platform/privateFolder.ts";
import type { Log } from "../ports.ts";
import type { Benchmark } from "../protocol/benchmark.ts";
import { openRates, type Rated, type RateTable } from "./table.ts";

/** What models were found to do on this machine. It advises: whatever befalls its file, work goes on. */
export interface RateBook extends AsyncDisposable {
  /** Reads what is on disk; the second call waits for the first. Never fails. */
  open(): Promise<void>;
  known(key: RateKey, isPlaced: boolean): Rates | null;
  /** An answer's cost; written down some time later. */
  note(key: RateKey, sample: RateSample): void;
  noteLoad(key: RateKey, loadMs: number): void;
  /** What a benchmark found takes the place of what was averaged. */
  noteBenchmark(
    key: RateKey,
    rates: Pick<Rates, "prefillPerSecond" | "decodePerSecond" | "loadMs">,
    of: Benchmark,
  ): void;
  /** The newest first. */
  benchmarks(): Benchmark[];
}

export interface RateBookDeps {
  /** Made where it is missing; nobody else may look into it. */
  readonly folder: string;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly mostBytes?: number;
}

const MOST_BYTES = 4_000_000;
/** An answer a second is no reason to write once a second. */
const WRITE_MS = 30_000;
const NO_STORE: Store<RateTable> = { attempt: (otherwise) => otherwise, [Symbol.dispose]: () => undefined };

export function createRateBook({ folder, log, wallMs, mostBytes = MOST_BYTES }: RateBookDeps): RateBook {
  const all = new Map<string, Rated>();
  const changed = new Set<string>();
  let store = NO_STORE;
  let opening: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  function write(): void {
    clearTimeout(timer);
    timer = undefined;
    const rated = [...changed].map((it) => all.get(it)).filter((it) => it !== undefined);
    changed.clear();
    if (rated.length > 0) store.attempt(undefined, (table) => table.write(rated));
  }

  function change(key: RateKey, after: (before: Rates | null) => Rates | null): void {
    const name = nameOf(key);
    const next = after(all.get(name)?.[1] ?? null);
    if (next === null) return;
    all.set(name, [key, next]);
    changed.add(name);
    timer ??= setTimeout(write, WRITE_MS).unref();
  }

  async function begin(): Promise<void> {
    store = await openStore({ folder, log, mostBytes });
    for (const it of store.attempt([], (table) => table.all())) {
      const name = nameOf(it[0]);
      // What was measured while the file was read is newer.
      if (!all.has(name)) all.set(name, it);
    }
  }

  return {
    open() {
      opening ??= begin();
      return opening;
    },
    known: (key, isPlaced) => knownOf(all.values(), key, isPlaced),
    note: (key, sample) => change(key, (before) => ratesAfter(before, sample, wallMs())),
    noteLoad: (key, loadMs) => change(key, (before) => ratesAfterLoad(before, loadMs, wallMs())),
    noteBenchmark(key, rates, of) {
      change(key, (before) => ({
        ...rates,
        loadMs: rates.loadMs ?? before?.loadMs ?? null,
        atMs: wallMs(),
        by: "benchmark",
      }));
      store.attempt(undefined, (table) => table.keep(of));
      write();
    },
    benchmarks: () => store.attempt([], (table) => table.benchmarks()),
    async [Symbol.asyncDispose]() {
      await opening;
      write();
      store[Symbol.dispose]();
      store = NO_STORE;
    },
  };
}

function nameOf({ model, quantisation, device, engine, options }: RateKey): string {
  return JSON.stringify([model, quantisation, device, engine, options]);
}

/** A Node without SQLite, or a folder that cannot be had, is as good as a disk that is full. */
async function openStore(
  deps: Required<Pick<RateBookDeps, "folder" | "log" | "mostBytes">>,
): Promise<Store<RateTable>> {
  const { folder, log, mostBytes } = deps;
  try {
    const [sqlite] = await Promise.all([import("node:sqlite"), ensurePrivateFolder(folder)]);
    const open = (path: string) => openRates(sqlite, path, mostBytes);
    return createStore({
      what: "what was measured of models",
      path: join(folder, "rates.db"),
      open,
      log,
      onAnew: () => undefined,
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.warn("nothing is kept of what models were found to do", { folder, why });
    return NO_STORE;
  }
}
