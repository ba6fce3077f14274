/** Looks for stop texts in a stream of pieces. */
export interface StopCut {
  /** What may be given out: never a part of a stop text. `isStopped`: one was met, and nothing more follows. */
  add(piece: string): { readonly text: string; readonly isStopped: boolean };
  /** What was held back because it could have become a stop text. */
  end(): string;
}

/** Cuts a text before the first of `stops`, also when it comes in several pieces. Empty stops are ignored. */
export function createStopCut(stops: readonly string[]): StopCut {
  const wanted = stops.filter((stop) => stop !== "");
  let held = "";
  return {
    add(piece) {
      held += piece;
      const at = firstIndex(held, wanted);
      if (at >= 0) {
        const text = held.slice(0, at);
        held = "";
        return { text, isStopped: true };
      }
      const keep = Math.max(0, ...wanted.map((stop) => overlap(held, stop)));
      const text = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return { text, isStopped: false };
    },
    end() {
      const rest = held;
      held = "";
      return rest;
    },
  };
}

function firstIndex(text: string, wanted: readonly string[]): number {
  const found = wanted.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return found.length === 0 ? -1 : Math.min(...found);
}

/** Length of the longest end of `text` that is a beginning of `stop`, but not all of it. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--)
    if (text.endsWith(stop.slice(0, length))) return length;
  return 0;
}
