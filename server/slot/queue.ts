import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import { capacity, type Emit, type SlotDeps, type SlotState, type Waiter } from "./state.ts";

/** A queue longer than this is a client gone wild. */
const MOST_WAITING = 64;

/** Resolves when it is this task's turn. A cancelled waiter leaves the queue and is never granted. */
export async function turn(state: SlotState, deps: SlotDeps, emit: Emit, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  if (state.active < capacity(state) && state.queue.length === 0) {
    state.active++;
    deps.onChange();
    return;
  }
  if (state.queue.length >= MOST_WAITING) {
    const message = `${MOST_WAITING} tasks already wait for ${state.place.expected.label}`;
    // As a server says it that has too much to do.
    throw new TandemError("provider", message, "Wait for some of them, or cancel them", { details: { status: 429 } });
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const waiter: Waiter = { emit, grant: resolve };
  const leave = () => {
    const at = state.queue.indexOf(waiter);
    if (at === -1) return;
    state.queue.splice(at, 1);
    reject(abortError(signal));
    announce(state, deps);
  };
  state.queue.push(waiter);
  announce(state, deps);
  signal.addEventListener("abort", leave, { once: true });
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** Ends a turn and lets in as many as there is now room for. */
export function release(state: SlotState, deps: SlotDeps): void {
  state.active--;
  grantFree(state, deps);
  deps.onChange();
}

/** An engine that has just said that it takes several tasks lets the next ones in. */
export function grantFree(state: SlotState, deps: SlotDeps): void {
  while (state.active < capacity(state)) {
    const next = state.queue.shift();
    if (!next) return;
    state.active++;
    next.grant();
    announce(state, deps);
  }
}

function announce(state: SlotState, { onChange }: SlotDeps): void {
  for (const [index, waiter] of state.queue.entries())
    waiter.emit({ kind: "waiting", engine: state.place.config.id, position: index + 1 });
  onChange();
}
