import type { GovernEffect } from "../core/govern/event.ts";
import { TandemError } from "../errors.ts";
import { type LoadDeps, load } from "./load.ts";
import { preempted, refusalOf } from "./refusal.ts";
import type { Ask, Slot } from "./state.ts";
import { trim, unload } from "./unload.ts";

/** What the governor's effects are about. */
export interface Known {
  readonly slots: ReadonlyMap<string, Slot>;
  readonly asks: Map<string, Ask>;
}

/** Does what the governor wants done; how it ends is told to it later. */
export function carryOut(effects: readonly GovernEffect[], known: Known, deps: LoadDeps): void {
  for (const it of effects) if (it.kind !== "wait") act(it, known, deps);
  // Said last: whether it waits for more than a load shows when the load has begun.
  for (const it of effects) if (it.kind === "wait") sayWait(it, known.asks.get(it.request));
}

function act(effect: Exclude<GovernEffect, { kind: "wait" }>, { slots, asks }: Known, deps: LoadDeps): void {
  if (effect.kind === "preempt") {
    const ask = asks.get(effect.request);
    ask?.turn?.abort(preempted(ask.slot, effect.why));
    return;
  }
  if (effect.kind === "refuse") {
    const ask = asks.get(effect.request);
    asks.delete(effect.request);
    ask?.onRefusal(refusalOf(effect, ask));
    return;
  }
  const slot = slots.get(effect.key);
  if (slot) actOn(slot, effect, asks, deps);
  else deps.log.error("bug", { reason: `there is no engine ${effect.key} to ${effect.kind}` });
}

type OnEngine = Extract<GovernEffect, { kind: "grant" | "load" | "unload" | "trim" }>;

function actOn(slot: Slot, effect: OnEngine, asks: Known["asks"], deps: LoadDeps): void {
  switch (effect.kind) {
    case "grant":
      grant(asks.get(effect.request), slot, effect.why);
      break;
    case "load":
      load(slot, effect, deps);
      break;
    case "unload":
      unload(slot, effect, deps);
      break;
    case "trim":
      trim(slot, effect.why, deps);
      break;
  }
}

/** An engine that has just ended by itself: the news of that is on its way to the governor. */
function grant(ask: Ask | undefined, slot: Slot, why: string | null): void {
  const { engine } = slot;
  if (ask) ask.hasTurn = engine !== null;
  if (engine) ask?.onTurn({ slot, engine, why });
  else ask?.onRefusal(new TandemError("provider", "The engine ended just before its turn", "Run it again"));
}

/** For a turn on what is being loaded, or is busy, the place in line says all. */
function sayWait({ position, why }: Extract<GovernEffect, { kind: "wait" }>, ask: Ask | undefined): void {
  if (!ask) return;
  const { slot } = ask;
  const isBusy = slot.engine !== null && slot.turns.size >= slot.engine.slots;
  ask.why = isBusy || slot.loading ? null : why;
  // It is served as soon as the load is over, of which it hears.
  if (slot.loading && position <= (slot.prepared?.loadable.slots ?? 1)) return;
  const engine = slot.place.config.id;
  ask.emit({ kind: "waiting", engine, position, ...(ask.why === null ? {} : { why: ask.why }) });
}
