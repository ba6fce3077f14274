import type { CancellationToken } from "vscode-languageserver-protocol/node";
import type { TandemError } from "../../errors.ts";
import { notStarted } from "./failure.ts";

/** The requests of one client that run. */
export interface Calls {
  running(): number;
  /** The signal fires when the client cancels the request or goes. */
  run<T>(token: CancellationToken, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  abort(reason: TandemError): void;
  /** From now on nothing is begun. */
  refuse(): void;
}

export function createCalls(): Calls {
  const running = new Set<AbortController>();
  let isRefusing = false;
  return {
    running: () => running.size,
    async run(token, work) {
      if (isRefusing) throw notStarted();
      const abort = new AbortController();
      if (token.isCancellationRequested) abort.abort();
      const cancelled = token.onCancellationRequested(() => abort.abort());
      running.add(abort);
      try {
        return await work(abort.signal);
      } finally {
        running.delete(abort);
        cancelled.dispose();
      }
    },
    abort(reason) {
      for (const it of running) it.abort(reason);
    },
    refuse() {
      isRefusing = true;
    },
  };
}
