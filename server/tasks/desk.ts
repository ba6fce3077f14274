import type { Pacer } from "../core/audit/pacer.ts";
import { type Cutter, MOST_LINES, type Part } from "../core/cut.ts";
import type { Clock } from "../ports.ts";

/** Where the draft lies while it is written, and the auditor takes parts of it. */
export interface Desk {
  push(text: string): void;
  /** Nothing more is written. */
  finish(): void;
  /** Parts in order; whoever asks for the next has nothing to do, and gets it when the pacer finds it worth while. */
  readonly parts: AsyncIterable<Part>;
  /** Parts that were taken, and what is left as one. */
  readonly count: number;
}

const LOOK_AGAIN_MS = 250;

export function createDesk({ cutter, pacer, clock }: { cutter: Cutter; pacer: Pacer; clock: Clock }): Desk {
  let wake = Promise.withResolvers<void>();
  let taken = 0;
  function ring(): void {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  }

  function next(): Part | null {
    const { held } = cutter;
    const all = held.most === null ? null : Math.min(held.most.lines, MOST_LINES);
    const lines = cutter.isFinished ? all : pacer.choose(held, clock.nowMs());
    return lines === null ? null : cutter.take(lines);
  }

  /** Resolves after a while, in which the drafter may have come to a halt with enough on the desk. */
  async function oneMore(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LOOK_AGAIN_MS);
    void wake.promise.then(() => clearTimeout(timer));
    await promise;
  }

  async function* parts(): AsyncGenerator<Part, void, void> {
    for (;;) {
      const part = next();
      if (part === null && cutter.isFinished) return;
      if (part === null) {
        await Promise.race([wake.promise, oneMore()]);
        continue;
      }
      taken++;
      const handedMs = clock.nowMs();
      yield part;
      pacer.judged(part.text.length, clock.nowMs() - handedMs);
    }
  }

  return {
    push(text) {
      pacer.wrote(text.length, clock.nowMs());
      cutter.push(text);
      ring();
    },
    finish() {
      cutter.finish();
      ring();
    },
    parts: { [Symbol.asyncIterator]: parts },
    get count() {
      return taken + (cutter.held.most === null ? 0 : 1);
    },
  };
}
