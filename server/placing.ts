import { type PlacesDeps, places } from "./places.ts";
import type { ClientSettings, Settings } from "./protocol/settings.ts";
import type { Registry } from "./registry/registry.ts";
import type { Membership } from "./scheduler.ts";

/** A client's settings over the configuration's, and its engines placed by them. Disposing ends the following of the latter. */
export interface Placing extends Disposable {
  readonly settings: Settings;
  /** New settings; the next `done` works by them. */
  begin(settings: ClientSettings): void;
  /** Resolves when the engines are placed by the settings that hold by then. */
  done(): Promise<void>;
}

export interface PlacingDeps extends Omit<PlacesDeps, "hardware" | "registry"> {
  readonly hardware: () => Promise<PlacesDeps["hardware"]>;
  readonly onHardware: (listener: () => void) => Disposable;
  readonly registry: Registry;
}

/**
 * Engines are placed at the first use, and again when the client's settings, the configuration, the models there are or the GPUs have
 * changed. `onSettings` hears when other settings hold than before.
 */
export function createPlacing(
  member: Membership,
  deps: PlacingDeps,
  onSettings: (settings: Settings) => void = () => undefined,
): Placing {
  let client: ClientSettings = {};
  let settings = deps.registry.settings(client);
  let ready: Promise<void> | null = null;
  let placed = "";

  async function place(wanted: Settings): Promise<void> {
    const hardware = await deps.hardware();
    const next = await places(wanted, { ...deps, hardware });
    if (wanted !== settings) return;
    // A server that came or went somewhere is no reason to let go what requests have named.
    const now = JSON.stringify([next.map((it) => it.config), hardware.gpus]);
    if (now === placed) return;
    placed = now;
    member.configure(next);
  }

  async function done(): Promise<void> {
    const wanted = settings;
    ready ??= place(wanted);
    const mine = ready;
    try {
      await mine;
    } catch (error) {
      if (ready === mine) ready = null;
      throw error;
    }
    // Settings that changed meanwhile are the ones that count.
    if (wanted !== settings) await done();
  }

  function refresh(): void {
    const before = JSON.stringify(settings);
    settings = deps.registry.settings(client);
    ready = null;
    if (JSON.stringify(settings) !== before) onSettings(settings);
  }

  const following = [deps.registry.listen(refresh), deps.onHardware(refresh)];
  return {
    get settings() {
      return settings;
    },
    begin(next) {
      client = next;
      placed = "";
      refresh();
    },
    done,
    [Symbol.dispose]() {
      for (const it of following) it[Symbol.dispose]();
    },
  };
}
