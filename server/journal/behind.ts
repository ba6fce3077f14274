import type { Journal } from "../ports.ts";

/**
 * The same journal, which writes down what requests tell of once they have gone on: a disk is slow beside a first token. It does so in the
 * same turn of the event loop, in order, so that nobody who has had an answer finds it missing; a crash in between loses that turn's.
 */
export function writeBehind(journal: Journal): Journal {
  let waiting: (() => void)[] = [];

  function flush(): void {
    const now = waiting;
    waiting = [];
    for (const write of now) write();
  }

  function later(write: () => void): void {
    if (waiting.length === 0) setImmediate(flush);
    waiting.push(write);
  }

  return {
    ...journal,
    decided: (...given) => later(() => journal.decided(...given)),
    fellBack: (...given) => later(() => journal.fellBack(...given)),
    ended: (...given) => later(() => journal.ended(...given)),
    decisions(page) {
      flush();
      return journal.decisions(page);
    },
    closeCleanly() {
      flush();
      journal.closeCleanly();
    },
    [Symbol.dispose]() {
      flush();
      journal[Symbol.dispose]();
    },
  };
}
