import type { DeviceFact, GovernEffect, Priority } from "../core/govern/event.ts";
import { govern } from "../core/govern/govern.ts";
import type { Loadable } from "../core/govern/loadable.ts";
import type { GovernRules } from "../core/govern/rules.ts";
import { EMPTY_STATE, type GovernState } from "../core/govern/state.ts";
import { TandemError } from "../errors.ts";
import type { BreakerDeps } from "./breaking.ts";
import { carryOut } from "./effects.ts";
import { createHeartbeat } from "./heartbeat.ts";
import type { LoadDeps } from "./load.ts";
import { paceOf } from "./pace.ts";
import { leaving } from "./refusal.ts";
import { type Ask, type GovernNews, modelOf, type Slot, type SlotDeps } from "./state.ts";
import { end } from "./unload.ts";

/** The devices' memory as it is read. Nothing here waits for a driver. */
export interface Devices {
  /** As last read, with what each of our processes holds: from the engine's key to its pid. */
  facts(owned: ReadonlyMap<string, number>): readonly DeviceFact[];
  /** Calls after each new reading. */
  listen(listener: () => void): Disposable;
}

export interface OwnerDeps extends SlotDeps, BreakerDeps {
  readonly devices: Devices;
  /** As they hold at the moment. */
  readonly rules: () => GovernRules;
  /** Hears what the governor heard and what it wanted done, for who counts that. */
  readonly onGoverned?: (governed: Governed) => void;
}

/** One thing that the governor heard, and what followed. */
export interface Governed {
  readonly news: GovernNews;
  readonly effects: readonly GovernEffect[];
  /** Label of the model with this key; null: there is none, or none any more. */
  readonly modelOf: (key: string) => string | null;
}

/** The one place where the governor's state is: it hears what happens, and does what the governor then wants done. */
export interface Owner {
  readonly state: GovernState;
  readonly slots: ReadonlyMap<string, Slot>;
  add(slot: Slot): void;
  /** Forgets an engine that is not loaded and that nobody waits for. */
  remove(slot: Slot): void;
  tell(news: GovernNews): void;
  /** It hears of its turn, or that it gets none. */
  want(ask: Ask, priority: Priority): void;
  /** Its turn may be ended for more urgent work from now on. */
  offer(ask: Ask): void;
  /** It has given its turn back, or no longer wants one. */
  done(ask: Ask): void;
  close(): Promise<void>;
}

/** Requests that come closer together are decided on by one reading: looking costs more than deciding. */
const FRESH_MS = 100;

export function createOwner(deps: OwnerDeps): Owner {
  const slots = new Map<string, Slot>();
  const asks = new Map<string, Ask>();
  let state: GovernState = EMPTY_STATE;
  let isOver = false;

  let lookedMs = Number.NEGATIVE_INFINITY;
  const look = (): GovernNews => {
    lookedMs = deps.clock.nowMs();
    return { kind: "devices", devices: deps.devices.facts(processes(slots)) };
  };
  const { tell, heartbeat } = createEar(hear, look, () => (isOver ? "none" : paceOf(state)));
  const loading = loadDeps(deps, { tell, look, asks });
  const readings = deps.devices.listen(() => {
    if (heartbeat.isBeating) tell(look());
  });

  function hear(news: GovernNews): void {
    if (isOver) return;
    const made = govern(state, { ...news, atMs: deps.clock.nowMs() }, deps.rules());
    state = made.state;
    deps.onGoverned?.({ news, effects: made.effects, modelOf: (key) => labelOf(slots.get(key)) });
    carryOut(made.effects, { slots, asks }, loading);
    if (made.effects.length > 0) deps.onChange();
  }

  return {
    get state() {
      return state;
    },
    slots,
    add: (slot) => void slots.set(slot.handle, slot),
    remove: (slot) => void slots.delete(slot.handle),
    tell,
    want(ask, priority) {
      asks.set(ask.id, ask);
      const { handle, isPinned, isRetired } = ask.slot;
      if (deps.clock.nowMs() - lookedMs >= FRESH_MS) tell(look());
      tell(wantOf(ask, priority));
      // The governor knows it from now on.
      if (isPinned) tell({ kind: "pin", key: handle });
      if (isRetired) tell({ kind: "retire", key: handle });
    },
    offer(ask) {
      if (asks.has(ask.id)) tell({ kind: "offer", request: ask.id });
    },
    done(ask) {
      if (!asks.delete(ask.id)) return;
      tell({ kind: "done", request: ask.id });
      for (const it of [ask.slot, ...ask.others]) if (!isAwaited(it, asks)) giveUp(it);
    },
    async close() {
      isOver = true;
      heartbeat.stop();
      readings[Symbol.dispose]();
      for (const it of asks.values()) it.onRefusal(leaving());
      await Promise.all([...slots.values()].map(close));
    },
  };
}

/** Hears one thing after the other, whoever tells it, and of the time as often as `pace` says. */
function createEar(hear: (news: GovernNews) => void, look: () => GovernNews, pace: () => ReturnType<typeof paceOf>) {
  const inbox: GovernNews[] = [];
  let isHearing = false;
  const heartbeat = createHeartbeat(() => tell(look(), { kind: "tick" }));
  function tell(...news: readonly GovernNews[]): void {
    inbox.push(...news);
    // What is told while something is done about the last comes after it.
    if (isHearing) return;
    isHearing = true;
    try {
      for (let next = inbox.shift(); next; next = inbox.shift()) hear(next);
    } finally {
      isHearing = false;
      heartbeat.set(pace());
    }
  }
  return { tell, heartbeat };
}

interface Telling {
  readonly tell: (...news: readonly GovernNews[]) => void;
  readonly look: () => GovernNews;
  readonly asks: ReadonlyMap<string, Ask>;
}

function loadDeps(deps: OwnerDeps, { tell, look, asks }: Telling): LoadDeps {
  return {
    ...deps,
    tell(news) {
      // A load that found no memory is judged by a reading that comes after it.
      if (news.kind === "load-failed") tell(news);
      else tell(news, look());
    },
    announce(slot, event) {
      for (const it of asks.values()) if (waitsFor(it, slot)) it.emit(event);
    },
  };
}

function wantOf({ id, slot, others, preempted }: Ask, priority: Priority): GovernNews {
  const choices = [slot, ...others].flatMap(loadableOf);
  return { kind: "want", request: id, choices, priority, ...(preempted > 0 ? { preempted } : {}) };
}

function isAwaited(slot: Slot, asks: ReadonlyMap<string, Ask>): boolean {
  return [...asks.values()].some((it) => waitsFor(it, slot));
}

function waitsFor(ask: Ask, slot: Slot): boolean {
  return !ask.hasTurn && (ask.slot === slot || ask.others.includes(slot));
}

/** Cancelling reaches the load: one that nobody waits for any more is broken off. */
function giveUp({ loading }: Slot): void {
  loading?.abort.abort(new TandemError("cancelled", "Nobody waits for it any more", "Run it again"));
}

async function close(slot: Slot): Promise<void> {
  slot.preparing?.abort.abort(leaving());
  await end(slot, leaving());
  await slot.unloading;
}

/** As it was prepared; what it has shown since counts for more. */
function loadableOf({ handle, prepared, engine, rates }: Slot): Loadable[] {
  if (!prepared) return [];
  const { loadable } = prepared;
  const [slots, loadMs] = [engine?.slots ?? loadable.slots, rates.loadMs ?? loadable.loadMs];
  return [{ ...loadable, key: handle, slots, loadMs }];
}

function labelOf(slot: Slot | undefined): string | null {
  return slot ? modelOf(slot).label : null;
}

function processes(slots: ReadonlyMap<string, Slot>): Map<string, number> {
  const owned = new Map<string, number>();
  for (const [key, { engine }] of slots) if (engine && engine.pid !== null) owned.set(key, engine.pid);
  return owned;
}
