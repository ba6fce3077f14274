import type { ServeEvent } from "../server/protocol/service.ts";
import { failureOf, type TandemFailure } from "./failure.ts";

/** What the user wants of the HTTP door. */
export interface DoorSettings {
  readonly isEnabled: boolean;
  readonly port: number;
}

/** How the HTTP door is. `refused`: it cannot be opened now; the next orchestrator is asked again. */
export type DoorState =
  | { readonly kind: "closed" }
  | { readonly kind: "opening" }
  | { readonly kind: "open"; readonly at: ServeEvent }
  | { readonly kind: "refused"; readonly failure: TandemFailure };

/** This window's wish that the orchestrator be reached over HTTP. */
export interface Door {
  readonly state: DoorState;
  /** Opens it, closes it, or opens it elsewhere. */
  configure(settings: DoorSettings): void;
  dispose(): void;
}

export interface DoorDeps {
  /** Asks the orchestrator for the door, which stays open until the signal fires. */
  readonly serve: (port: number, onListening: (event: ServeEvent) => void, signal: AbortSignal) => Promise<void>;
  /** Resolves when the orchestrator runs, now or at the next time that it begins to; and when the signal fires. */
  readonly running: (when: "now" | "next", signal: AbortSignal) => Promise<void>;
  readonly enter: (state: DoorState) => void;
  /** Tells the user, once for each wish. */
  readonly report: (failure: TandemFailure) => void;
}

/** So long after the last time at least is the door asked for again. */
const AGAIN_MS = 1_000;

export function createDoor(deps: DoorDeps): Door {
  let state: DoorState = { kind: "closed" };
  let wish: DoorSettings = { isEnabled: false, port: 0 };
  let holding = new AbortController();
  const become = (next: DoorState) => {
    state = next;
    deps.enter(next);
  };
  const letGo = () => {
    holding.abort();
    holding = new AbortController();
  };
  return {
    get state() {
      return state;
    },
    configure(next) {
      if (next.isEnabled === wish.isEnabled && next.port === wish.port) return;
      wish = next;
      letGo();
      if (!next.isEnabled) return become({ kind: "closed" });
      void keepOpen(next.port, { ...deps, enter: become }, holding.signal);
    },
    dispose: letGo,
  };
}

/** Never rejects. Ends when the signal fires. */
async function keepOpen(port: number, deps: DoorDeps, signal: AbortSignal): Promise<void> {
  const reported = new Set<string>();
  const enter = (state: DoorState) => {
    if (!signal.aborted) deps.enter(state);
  };
  while (!signal.aborted) {
    enter({ kind: "opening" });
    const failure = await deps
      .serve(port, (at) => enter({ kind: "open", at }), signal)
      .then(() => null)
      .catch((error: unknown) => failureOf(error, null));
    if (signal.aborted || !failure) return;
    enter({ kind: "refused", failure });
    // An orchestrator that went is no fault of the door's; of anything else the next one has to be asked.
    const isGone = failure.code === "stopped" || failure.code === "shutting-down";
    if (!isGone && !reported.has(failure.message)) deps.report(failure);
    reported.add(failure.message);
    const nextOne = isGone ? null : deps.running("next", signal);
    await pause(AGAIN_MS, signal);
    await (nextOne ?? deps.running("now", signal));
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
