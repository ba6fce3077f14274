/** What is to happen, the earliest first; what is to happen at one time in the order in which it was put down. */
export interface Agenda<What> {
  add(atMs: number, what: What): void;
  /** Null: nothing is left. */
  next(): { readonly atMs: number; readonly what: What } | null;
}

/** A binary heap. */
export function createAgenda<What>(): Agenda<What> {
  const heap: { atMs: number; nth: number; what: What }[] = [];
  let count = 0;
  const isBefore = (a: number, b: number) => {
    const [one, other] = [heap[a], heap[b]];
    if (!one || !other) return false;
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.nth < other.nth);
  };
  const swap = (a: number, b: number) => {
    const [one, other] = [heap[a], heap[b]];
    if (!one || !other) return;
    heap[a] = other;
    heap[b] = one;
  };
  const sink = (from: number) => {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      const child = isBefore(left + 1, left) ? left + 1 : left;
      if (!isBefore(child, at)) return;
      swap(at, child);
      at = child;
    }
  };
  return {
    add(atMs, what) {
      let at = heap.push({ atMs, nth: count++, what }) - 1;
      for (let up = (at - 1) >> 1; at > 0 && isBefore(at, up); up = (at - 1) >> 1) {
        swap(at, up);
        at = up;
      }
    },
    next() {
      const [first] = heap;
      const last = heap.pop();
      if (!first || !last) return null;
      if (heap.length > 0) {
        heap[0] = last;
        sink(0);
      }
      return { atMs: first.atMs, what: first.what };
    },
  };
}
