import type { Carried } from "./carried.ts";

/** A turn whose answer can be ended where it is, which then counts as whole: no failure, and no other engine goes on. */
export interface Stoppable {
  readonly carried: Carried;
  /** False: the answer is over already. */
  stop(): boolean;
}

export function stoppable(carried: Carried): Stoppable {
  let isWriting = false;
  let isStopped = false;
  return {
    carried: {
      get lease() {
        return carried.lease;
      },
      async *generate(request, signal) {
        isWriting = true;
        try {
          for await (const piece of carried.generate(request, signal)) {
            // An engine writes every few milliseconds: it is soon enough to look here.
            if (isStopped) return;
            yield piece;
          }
        } finally {
          isWriting = false;
        }
      },
      used: () => carried.used(),
      [Symbol.dispose]: () => carried[Symbol.dispose](),
    },
    stop() {
      isStopped ||= isWriting;
      return isStopped;
    },
  };
}
