import type { Log } from "../ports.ts";
import { changesBetween, type Loaded, loadConfig } from "./load.ts";
import { watchFile } from "./watch.ts";

/** The configuration of this orchestrator, as it is at the moment. */
export interface ConfigOwner extends Disposable {
  now(): Loaded;
  /** Reads it again; who listens hears of it when something has changed. Where folders cannot be watched, this is how changes are seen. */
  reread(): void;
  /** Called when another configuration holds. Stop by disposing. */
  listen(listener: (loaded: Loaded) => void): Disposable;
}

export interface ConfigOwnerDeps {
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** So many changed values are named in the log. */
const MOST_NAMED = 20;

export function createConfigOwner({ path, env, log }: ConfigOwnerDeps): ConfigOwner {
  const listeners = new Set<(loaded: Loaded) => void>();
  let loaded = loadConfig({ path, env, before: null });
  let told: ReadonlySet<string> = new Set();
  tell();

  /** Each problem is told when it comes up. */
  function tell(): void {
    const lines = loaded.problems.map((it) => JSON.stringify(it));
    for (const [at, it] of loaded.problems.entries())
      if (!told.has(lines[at] ?? ""))
        log.warn("configuration", { file: path, line: it.line, column: it.column, problem: it.message });
    told = new Set(lines);
  }

  function reread(): void {
    const before = loaded;
    loaded = loadConfig({ path, env, before });
    tell();
    const changed = changesBetween(before.config, loaded.config);
    if (changed.length === 0) return;
    log.info("configuration changed", { file: path, changed: changed.slice(0, MOST_NAMED) });
    for (const it of listeners) it(loaded);
  }

  const watching = watchFile(path, reread);
  return {
    now: () => loaded,
    reread,
    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.dispose]() {
      watching[Symbol.dispose]();
      listeners.clear();
    },
  };
}
