import { type PlacesDeps, places } from "./places.ts";
import { Settings } from "./protocol/settings.ts";
import type { Membership } from "./scheduler.ts";

/** A client's settings, and its engines placed by them. */
export interface Placing {
  readonly settings: Settings;
  /** New settings; the next `done` works by them. */
  begin(settings: Settings): void;
  /** Resolves when the engines are placed by the settings that hold by then. */
  done(): Promise<void>;
}

export type PlacingDeps = Omit<PlacesDeps, "hardware"> & { readonly hardware: () => Promise<PlacesDeps["hardware"]> };

/** Engines are placed at the first use and again when the settings changed. */
export function createPlacing(member: Membership, deps: PlacingDeps): Placing {
  let settings = Settings.parse({});
  let ready: Promise<void> | null = null;

  async function place(wanted: Settings): Promise<void> {
    const next = await places(wanted, { ...deps, hardware: await deps.hardware() });
    if (wanted === settings) member.configure(next);
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

  return {
    get settings() {
      return settings;
    },
    begin(next) {
      settings = next;
      ready = null;
    },
    done,
  };
}
