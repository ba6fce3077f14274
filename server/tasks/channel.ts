/** A queue between one writer and one reader, both in this process; closing ends the reader's loop. */
export interface Channel<T> extends AsyncIterable<T> {
  push(value: T): void;
  close(): void;
}

export function createChannel<T>(): Channel<T> {
  const held: T[] = [];
  let isClosed = false;
  let wake = Promise.withResolvers<void>();

  function ring(): void {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  }

  return {
    push(value) {
      held.push(value);
      ring();
    },
    close() {
      isClosed = true;
      ring();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (held.length > 0) yield held.shift() as T;
        if (isClosed) return;
        await wake.promise;
      }
    },
  };
}
