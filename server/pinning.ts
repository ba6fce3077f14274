import { asSet, named, type SourceGiven, threadsOf } from "./core/assign.ts";
import { gpuFor, type Hardware } from "./core/choose.ts";
import type { Privacy } from "./core/cloud.ts";
import type { Use } from "./core/openai/named.ts";
import { TandemError } from "./errors.ts";
import { type PlacesDeps, placeOf, registeredSource } from "./places.ts";
import type { Clock, Log } from "./ports.ts";
import type { Settings } from "./protocol/settings.ts";
import type { Registry } from "./registry/registry.ts";
import type { Membership } from "./scheduler.ts";
import type { Place } from "./slot/state.ts";
import type { CachedModel, OpenAiDeps, Pin, Stamp } from "./tasks/deps.ts";

export interface AskingDeps extends Omit<PlacesDeps, "hardware" | "registry"> {
  readonly registry: Registry;
  readonly privacy: Privacy;
  readonly clock: Clock;
  readonly log: Log;
  readonly stamp: () => Stamp;
  readonly draw: () => number;
  readonly hardware: () => Promise<Hardware>;
}

/** What one client's requests in OpenAI's shape work with. */
export async function askingParts(member: Membership, settings: Settings, deps: AskingDeps): Promise<OpenAiDeps> {
  const { clock, log, privacy, stamp, draw, catalogue, store } = deps;
  const pin = createPin({ ...deps, member, settings, hardware: await deps.hardware() });
  const openable = [...new Set([...deps.registry.models(), ...catalogue].map((it) => ("id" in it ? it.id : it.name)))];
  const cached = async (): Promise<CachedModel[]> => {
    const known = catalogue.map(async (it) => ((await store.isCached(it.id)) ? [it] : []));
    return (await Promise.all(known)).flat();
  };
  return { clock, log, privacy, stamp, draw, scheduler: member, settings, pin, openable, cached };
}

interface PinningDeps extends PlacesDeps {
  readonly member: Membership;
  readonly settings: Settings;
}

/** Engines that one client has open because requests named them. Each of our own holds a whole model in memory; a server's holds a connection. */
const MOST_PINNED = { embedded: 2, endpoint: 16 };

/**
 * Opens engines for models that requests name: what a server of the client's has besides, what the catalogue has, and `file:` paths. It
 * returns at once, so that nothing comes between finding the engine and taking a place in its line.
 */
function createPin(deps: PinningDeps): Pin {
  const { member } = deps;
  return (model, use) => {
    const place = placeAtServer(model, deps) ?? placeRegistered(model, use, deps) ?? placeHere(model, use, deps);
    if (!place) return null;
    makeRoom(member, place.config.source.kind === "endpoint" ? "endpoint" : "embedded");
    member.add(place);
    return model;
  };
}

/** At an endpoint of the client's settings that has said that it serves the model too. */
function placeAtServer(model: string, deps: PinningDeps): Place | null {
  const names = [model, `${model}:latest`];
  const server = deps.member.snapshot().find(({ serves }) => serves.some((it) => names.includes(it)));
  const source = server ? deps.member.sourceOf(server.id) : null;
  if (source?.kind !== "endpoint") return null;
  return placeOf({ id: model, roles: [], source: { ...source, modelName: model } }, model, deps);
}

/** One of the user's own, or of a server that was found. */
function placeRegistered(model: string, use: Use, deps: PinningDeps): Place | null {
  const { hardware, settings } = deps;
  const { device, vramLimitGb } = use === "embed" ? settings.embed : settings.draft;
  const given: SourceGiven = {
    ...{ use, device, isDeviceGiven: device !== "auto", limitGb: vramLimitGb },
    ...{ threads: threadsOf(hardware.cores), llamaServer: settings.llamaServer },
  };
  const source = registeredSource(model, null, given, deps);
  return source && placeOf({ id: model, roles: [], source: asSet(source, settings) }, model, deps);
}

function placeHere(model: string, use: Use, deps: PinningDeps): Place | null {
  const { catalogue, hardware, settings } = deps;
  const entry = catalogue.find((it) => it.id === model) ?? null;
  if (!entry && !model.startsWith("file:")) return null;
  if (entry && entry.roles.includes("embed") !== (use === "embed")) return null;
  const { cores } = hardware;
  const { draft, llamaServer } = settings;
  const isDeviceGiven = draft.device !== "auto";
  const device = isDeviceGiven ? draft.device : (gpuFor(entry, hardware) ?? "cpu");
  return placeOf(
    named(model, { device, isDeviceGiven, limitGb: draft.vramLimitGb, cores, use, llamaServer }),
    model,
    deps,
  );
}

function makeRoom(member: Membership, kind: keyof typeof MOST_PINNED): void {
  const pinned = member.snapshot().filter((it) => it.roles.length === 0 && it.kind === kind);
  if (pinned.length < MOST_PINNED[kind]) return;
  const idle = pinned.find((it) => it.load === 0);
  if (!idle)
    throw new TandemError(
      "model-unavailable",
      `${MOST_PINNED[kind]} models that requests named are at work: ${pinned.map((it) => it.id).join(", ")}`,
      'Wait for one of them, or ask for one of these or for "auto"',
    );
  member.remove(idle.id);
}
