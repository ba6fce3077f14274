/** Requests of ours that a server works on, as far as we know. */
export interface Load {
  readonly running: number;
  /** One more, until what it returns is disposed. */
  begin(): Disposable;
}

export function createLoad(): Load {
  let running = 0;
  return {
    get running() {
      return running;
    },
    begin() {
      running++;
      let isOver = false;
      return {
        [Symbol.dispose]() {
          if (!isOver) running--;
          isOver = true;
        },
      };
    },
  };
}
