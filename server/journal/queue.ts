/** When what waits is to be written. */
export type Later = (write: () => void) => void;

/** Work for a file that is done together, in order. */
export interface Queue<Work> {
  add(work: Work): void;
  /** Does what waits now. */
  flush(): void;
}

/** `later` is asked once for all that comes until it acts; null: everything is done at once. */
export function createQueue<Work>(later: Later | null, write: (works: readonly Work[]) => void): Queue<Work> {
  let waiting: Work[] = [];

  function flush(): void {
    const works = waiting;
    waiting = [];
    if (works.length > 0) write(works);
  }

  return {
    flush,
    add(work) {
      waiting.push(work);
      if (later === null) flush();
      else if (waiting.length === 1) later(flush);
    },
  };
}

/** Under load, what comes in this time is written together. */
const GATHER_MS = 50;

/**
 * Behind what is being answered, for a disk is slow beside a first token: in the same turn of the event loop where it has been quiet, and
 * else 50 ms after the last time. A crash loses what has not been written by then.
 */
export function behindAnswers(nowMs: () => number = () => performance.now()): Later {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (write) => {
    const act = () => {
      lastMs = nowMs();
      write();
    };
    const leftMs = lastMs + GATHER_MS - nowMs();
    if (leftMs > 0) setTimeout(act, leftMs);
    else setImmediate(act);
  };
}
