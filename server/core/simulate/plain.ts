import type { DeviceFact, GovernEffect, GovernEvent } from "../govern/event.ts";
import type { Loadable, Need, Option } from "../govern/loadable.ts";
import type { Policy } from "./policy.ts";

interface Model {
  readonly loadable: Loadable;
  state: "absent" | "loading" | "ready" | "unloading";
  option: Option | null;
  active: number;
  usedMs: number;
}

interface Waiting {
  readonly request: string;
  readonly key: string;
}

interface Plain {
  readonly models: Map<string, Model>;
  readonly line: Waiting[];
  readonly granted: Map<string, string>;
  facts: readonly DeviceFact[];
  atMs: number;
}

/**
 * What the governor is measured against: requests are answered strictly in the order in which they come, and when the first one's model
 * is not loaded, those that were used longest ago are unloaded until it fits. It knows memory as well as the governor does (reserve,
 * other programs, what is being loaded), so that they differ in what they decide and in nothing else.
 */
export function firstComeLeastRecent(): Policy {
  return plainly((plain) => {
    const effects: GovernEffect[] = [];
    for (let first = plain.line[0]; first; first = plain.line[0]) {
      const model = plain.models.get(first.key);
      if (!model || !serve(plain, model, { request: first.request, effects })) break;
      plain.line.shift();
    }
    return effects;
  });
}

/** What many do: who is asked for is loaded, whatever else is there. It shows how often that runs out of memory. */
export function loadedWhenAsked(): Policy {
  return plainly((plain) => {
    const effects: GovernEffect[] = [];
    for (const it of [...plain.line]) {
      const model = plain.models.get(it.key);
      const option = model?.loadable.options[0];
      if (!model || !option) continue;
      if (model.state === "absent") begin(model, option, effects);
      if (model.state !== "ready" || model.active >= model.loadable.slots) continue;
      give(plain, model, { request: it.request, effects });
      plain.line.splice(plain.line.indexOf(it), 1);
    }
    return effects;
  });
}

function plainly(decide: (plain: Plain) => readonly GovernEffect[]): Policy {
  const plain: Plain = { models: new Map(), line: [], granted: new Map(), facts: [], atMs: 0 };
  return {
    hear(event) {
      plain.atMs = event.atMs;
      const refused = hear(plain, event);
      return [...refused, ...decide(plain)];
    },
    dueAtMs: () => null,
  };
}

function hear(plain: Plain, event: GovernEvent): readonly GovernEffect[] {
  switch (event.kind) {
    case "devices":
      plain.facts = event.devices;
      return [];
    case "want": {
      const [first] = event.choices;
      if (!first) return [];
      if (!plain.models.has(first.key))
        plain.models.set(first.key, { loadable: first, state: "absent", option: null, active: 0, usedMs: 0 });
      plain.line.push({ request: event.request, key: first.key });
      return [];
    }
    case "done": {
      const model = plain.models.get(plain.granted.get(event.request) ?? "");
      plain.granted.delete(event.request);
      if (model) Object.assign(model, { active: model.active - 1, usedMs: plain.atMs });
      return [];
    }
    case "loaded":
      move(plain, event.key, "ready");
      return [];
    case "unloaded":
      move(plain, event.key, "absent");
      return [];
    case "load-failed":
      move(plain, event.key, "absent");
      return refuseAll(plain, event.key);
    default:
      return [];
  }
}

function move({ models, atMs }: Plain, key: string, state: Model["state"]): void {
  const model = models.get(key);
  if (model) Object.assign(model, { state, usedMs: atMs });
}

function refuseAll(plain: Plain, key: string): readonly GovernEffect[] {
  const gone = plain.line.filter((it) => it.key === key);
  plain.line.splice(0, plain.line.length, ...plain.line.filter((it) => it.key !== key));
  const message = "out of memory";
  return gone.map(({ request }) => ({ kind: "refuse", request, why: "no-memory", message, nextStep: "Try again" }));
}

/** Whether the request has its turn. */
function serve(plain: Plain, model: Model, turn: { request: string; effects: GovernEffect[] }): boolean {
  const [option] = model.loadable.options;
  if (model.state === "ready" && model.active < model.loadable.slots) {
    give(plain, model, turn);
    return true;
  }
  if (model.state !== "absent" || !option) return false;
  if (lacking(plain, option.needs, "now") <= 0) begin(model, option, turn.effects);
  else makeRoom(plain, option.needs, turn.effects);
  return false;
}

function give(plain: Plain, model: Model, { request, effects }: { request: string; effects: GovernEffect[] }): void {
  const { key } = model.loadable;
  Object.assign(model, { active: model.active + 1, usedMs: plain.atMs });
  plain.granted.set(request, key);
  effects.push({ kind: "grant", request, key, why: null });
}

function begin(model: Model, option: Option, effects: GovernEffect[]): void {
  Object.assign(model, { state: "loading", option });
  effects.push({ kind: "load", key: model.loadable.key, option: option.id, why: "asked for" });
}

function makeRoom(plain: Plain, needs: readonly Need[], effects: GovernEffect[]): void {
  const idle = [...plain.models.values()].filter((it) => it.state === "ready" && it.active === 0);
  for (const it of idle.sort((a, b) => a.usedMs - b.usedMs)) {
    if (lacking(plain, needs, "soon") <= 0) return;
    it.state = "unloading";
    effects.push({ kind: "unload", key: it.loadable.key, cause: "room", why: "used longest ago", graceMs: 0 });
  }
}

/** The most that any device lacks. "soon": when those that leave are gone. */
function lacking({ models, facts }: Plain, needs: readonly Need[], when: "now" | "soon"): number {
  const there = [...models.values()].filter(
    (it) => it.state !== "absent" && (when === "now" || it.state !== "unloading"),
  );
  const on = (of: readonly Need[], device: string) =>
    of.reduce((sum, it) => (it.device === device ? sum + it.bytes : sum), 0);
  return Math.max(
    ...needs.map(({ device, bytes }) => {
      const fact = facts.find((it) => it.device === device);
      if (!fact) return 0;
      const ours = there.reduce((sum, it) => sum + on(it.option?.needs ?? [], device), 0);
      const told = [...fact.held.values()].reduce((sum, it) => sum + it, 0);
      const foreign = Math.max(0, (fact.usedBytes ?? 0) - (fact.held.size > 0 ? told : ours));
      return bytes - (fact.totalBytes - fact.reserveBytes - foreign - ours);
    }),
  );
}
