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
  let store = NO_STORE;
  let opening: Promise<void> | null = null;
  const memory = createMemory((changed) => {
    // Until the file is open, what has changed waits.
    if (store === NO_STORE) return false;
    if (changed.length > 0) store.attempt(undefined, (table) => table.write(changed));
    return true;
  });
  const open = () => {
    opening ??= openStore({ folder, log, mostBytes }).then((opened) => {
      store = opened;
      memory.learn(store.attempt([], (table) => table.all()));
    });
    return opening;
  };
  return {
    open,
    known: (key, isPlaced) => knownOf(memory.all(), key, isPlaced),
    note: (key, sample) => memory.change(key, (before) => ratesAfter(before, sample, wallMs())),
    noteLoad: (key, loadMs) => memory.change(key, (before) => ratesAfterLoad(before, loadMs, wallMs())),
    noteBenchmark(key, rates, of) {
      const atMs = wallMs();
      memory.change(key, (before) => ({
        ...rates,
        loadMs: rates.loadMs ?? before?.loadMs ?? null,
        atMs,
        by: "benchmark",
      }));
      store.attempt(undefined, (table) => table.keep(of));
      memory.flush();
    },
    benchmarks: () => store.attempt([], (table) => table.benchmarks()),
    async [Symbol.asyncDispose]() {
      if (memory.hasChanged()) await open();
      await opening;
      memory.flush();
      store[Symbol.dispose]();
      store = NO_STORE;
    },
  };
}

/** All rates, and which of them are to be written; `write` says whether it could. */
function createMemory(write: (changed: readonly Rated[]) => boolean) {
  const all = new Map<string, Rated>();
  const changed = new Map<string, Rated>();
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (write([...changed.values()])) changed.clear();
  }

  return {
    all: () => all.values(),
    hasChanged: () => changed.size > 0,
    flush,
    change(key: RateKey, after: (before: Rates | null) => Rates | null): void {
      const name = nameOf(key);
      const next = after(all.get(name)?.[1] ?? null);
      if (next === null) return;
      const rated = [key, next] as const;
      all.set(name, rated);
      changed.set(name, rated);
      timer ??= setTimeout(flush, WRITE_MS).unref();
    },
    /** What was measured while the file was read is newer. */
    learn(stored: readonly Rated[]): void {
      for (const it of stored) if (!all.has(nameOf(it[0]))) all.set(nameOf(it[0]), it);
      flush();
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
