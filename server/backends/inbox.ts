/** Messages that wait for their reader, in order. One reader. */
export interface Inbox<T> {
  add(item: T): void;
  /** The next message. Rejects with the reason once `fail` was called and everything before it was taken. */
  take(): Promise<T>;
  fail(reason: Error): void;
}

export function createInbox<T>(): Inbox<T> {
  const items: T[] = [];
  let failure: Error | null = null;
  let waiting: { resolve: (item: T) => void; reject: (reason: Error) => void } | null = null;
  return {
    add(item) {
      if (waiting === null) items.push(item);
      else waiting.resolve(item);
      waiting = null;
    },
    take() {
      const item = items.shift();
      if (item !== undefined) return Promise.resolve(item);
      if (failure !== null) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
      });
    },
    fail(reason) {
      failure = reason;
      waiting?.reject(reason);
      waiting = null;
    },
  };
}
