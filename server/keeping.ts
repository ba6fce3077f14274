import { type SourceGiven, threadsOf } from "./core/assign.ts";
import { throwIfAborted } from "./errors.ts";
import { type PlacesDeps, placeOf, registeredSource } from "./places.ts";
import type { Log } from "./ports.ts";
import type { ConfigModel } from "./protocol/configModel.ts";
import type { Registry } from "./registry/registry.ts";
import type { Membership } from "./scheduler.ts";
import type { Place } from "./slot/state.ts";

export interface KeepingDeps extends Omit<PlacesDeps, "hardware" | "registry"> {
  readonly hardware: () => Promise<PlacesDeps["hardware"]>;
  readonly onHardware: (listener: () => void) => Disposable;
  readonly registry: Registry;
  readonly log: Log;
}

/**
 * Loads the models that the configuration wants loaded before anybody asks, and pins those that are never to be unloaded; begins anew
 * when the configuration or the GPUs change. It is a guest at the engines like any client, and lets everybody else go first. A model that
 * cannot be loaded is told in the log and left to the first who asks for it.
 */
export function createKeeping(member: Membership, deps: KeepingDeps): Disposable {
  const { registry, log } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  let kept: readonly Kept[] = [];
  let last: Promise<void> = Promise.resolve();

  async function keep(): Promise<void> {
    const models = registry.own().filter((it) => it.isPinned || it.isPreloaded);
    // The start waits for no driver.
    if (models.length === 0 && kept.length === 0) return;
    const hardware = await deps.hardware();
    throwIfAborted(signal);
    const next = models.flatMap((model) => {
      const place = placeFor(model, { ...deps, hardware });
      return place ? [{ model, place, known: JSON.stringify([model, place.config, hardware.gpus]) }] : [];
    });
    const isStill = (it: Kept) => next.some(({ known, model }) => known === it.known && model.isPinned);
    if (next.length === kept.length && next.every(({ known }, nth) => known === kept[nth]?.known)) return;
    for (const it of kept) if (it.model.isPinned && !isStill(it)) member.user.unpin(it.model.name);
    kept = next;
    member.configure(next.map((it) => it.place));
    for (const { model } of next) if (model.isPinned) member.user.pin(model.name);
    for (const { model } of next) if (model.isPreloaded) void load(model.name); // it never fails
  }

  async function load(name: string): Promise<void> {
    try {
      await member.user.load(name, () => undefined, signal);
    } catch (error) {
      if (!signal.aborted)
        log.warn("not loaded in advance", { model: name, why: error instanceof Error ? error.message : error });
    }
  }

  function refresh(): void {
    last = last.then(keep).catch((error: unknown) => {
      if (!signal.aborted) log.error("models not kept", { reason: String(error) });
    });
  }

  const following = [registry.listen(refresh), deps.onHardware(refresh)];
  refresh();
  return {
    [Symbol.dispose]() {
      for (const it of following) it[Symbol.dispose]();
      stopping.abort();
      member[Symbol.dispose]();
    },
  };
}

/** A model, and how it is opened: other options, or another program, make it another engine. */
interface Kept {
  readonly model: ConfigModel;
  readonly place: Place;
  readonly known: string;
}

/** The same engine that a role or a request would have, so that all share it. Null: servers run by themselves. */
function placeFor({ name, backend, roles }: ConfigModel, deps: PlacesDeps & KeepingPlace): Place | null {
  if (backend === "ollama" || backend === "endpoint") return null;
  const isEmbedder = roles?.length === 1 && roles[0] === "embed";
  const given: SourceGiven = {
    ...{ use: isEmbedder ? "embed" : "write", device: "auto", isDeviceGiven: false, limitGb: null },
    ...{ threads: threadsOf(deps.hardware.cores), llamaServer: deps.registry.settings({}).llamaServer },
  };
  const source = registeredSource(name, null, given, deps);
  return source && placeOf({ id: name, roles: [], source }, name, deps);
}

interface KeepingPlace {
  readonly registry: Registry;
}
