/** Log lines on their way to a client. */
export interface LogLines<Line> {
  add(line: Line): void;
  /** Sends what waits now. */
  flush(): void;
}

/** People read no faster, and hundreds of short requests write as many lines a second. */
const GATHER_MS = 50;
/** More than that wait for nobody. */
const MOST_WAITING = 200;

/** The first line after a quiet while goes out at once; those that follow it closely go out together. */
export function gatherLines<Line>(send: (line: Line) => void): LogLines<Line> {
  let waiting: Line[] = [];
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const lines = waiting;
    waiting = [];
    for (const it of lines) send(it);
  }

  function rest(): void {
    timer = setTimeout(() => {
      const hadLines = waiting.length > 0;
      flush();
      if (hadLines) rest();
    }, GATHER_MS).unref();
  }

  return {
    flush,
    add(line) {
      if (timer === undefined) {
        send(line);
        return rest();
      }
      waiting.push(line);
      if (waiting.length >= MOST_WAITING) flush();
    },
  };
}
