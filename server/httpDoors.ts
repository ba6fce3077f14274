import { aborted, TandemError } from "./errors.ts";
import type { Call } from "./handlers.ts";
import type { ServeEvent, ServeParams } from "./protocol/service.ts";

/** An HTTP door that is open. */
export interface OpenDoor extends AsyncDisposable {
  readonly url: string;
  /** Where its key is. */
  readonly keyFile: string;
  /** Ends the answers under way, which say why. */
  breakOff(): void;
}

/** The HTTP doors that clients have asked for: one for each address, open as long as somebody wants it. */
export interface HttpDoors extends AsyncDisposable {
  /** Opens the door, or joins those who have it open, until the call is cancelled or the doors are closed. Throws TandemError. */
  serve(params: ServeParams, open: () => Promise<OpenDoor>, call: Call<ServeEvent>): Promise<void>;
  /** Where one listens; null when none does. */
  url(): string | null;
  /** Ends all answers under way, those of doors that are being closed too. */
  breakOff(): void;
}

interface Held {
  readonly params: ServeParams;
  readonly door: Promise<OpenDoor>;
  url: string | null;
  holders: number;
}

export function createHttpDoors(): HttpDoors {
  const held = createHeldDoors();
  const leaving = new AbortController();
  return {
    url: () => held.all().find((it) => it.url !== null)?.url ?? null,
    async serve(params, open, { emit, signal }) {
      // A port that the system picks is another one each time.
      const address = params.port === 0 ? `${params.host} ${crypto.randomUUID()}` : `${params.host}:${params.port}`;
      const mine = held.hold(address, params, open);
      try {
        const { url, keyFile } = await mine.door;
        mine.url = url;
        if (!isSame(mine.params, params)) throw openOtherwise(url);
        emit({ kind: "listening", url, keyFile, pid: process.pid });
        await aborted(AbortSignal.any([signal, leaving.signal]));
      } finally {
        const released = held.release(address, mine);
        // Who opens it at the next orchestrator does not wait for the last answers of this one.
        if (!leaving.signal.aborted) await released;
      }
    },
    breakOff: held.breakOff,
    async [Symbol.asyncDispose]() {
      // As if it had not begun: the next orchestrator opens the door, and nothing was lost.
      const details = { started: false };
      leaving.abort(
        new TandemError("shutting-down", "The orchestrator is leaving", "Open the door again", { details }),
      );
      await held[Symbol.asyncDispose]();
    },
  };
}

interface HeldDoors extends AsyncDisposable {
  all(): Held[];
  /** The door at this address, opened with `open` where there is none; counts one holder more. */
  hold(address: string, params: ServeParams, open: () => Promise<OpenDoor>): Held;
  /** One holder less; with the last the door is closed. */
  release(address: string, held: Held): Promise<void>;
  breakOff(): void;
}

function createHeldDoors(): HeldDoors {
  const doors = new Map<string, Held>();
  /** Doors that are being closed; their addresses are free afterwards. */
  const closings = new Map<string, Promise<void>>();
  /** Doors that have answers under way, or may have. */
  const answering = new Set<OpenDoor>();

  async function begin(address: string, open: () => Promise<OpenDoor>): Promise<OpenDoor> {
    await closings.get(address);
    const opened = await open();
    answering.add(opened);
    return opened;
  }

  /** A door that could not be opened was reported to whoever asked for it. */
  async function close({ door }: Held): Promise<void> {
    const opened = await door.catch(() => null);
    if (!opened) return;
    await opened[Symbol.asyncDispose]();
    answering.delete(opened);
  }

  return {
    all: () => [...doors.values()],
    hold(address, params, open) {
      const held = doors.get(address) ?? { params, door: begin(address, open), url: null, holders: 0 };
      doors.set(address, held);
      held.holders++;
      return held;
    },
    async release(address, held) {
      held.holders--;
      if (held.holders > 0) return;
      if (doors.get(address) === held) doors.delete(address);
      const closing = close(held);
      closings.set(address, closing);
      await closing;
      if (closings.get(address) === closing) closings.delete(address);
    },
    breakOff() {
      for (const it of answering) it.breakOff();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...[...doors.values()].map(close), ...closings.values()]);
    },
  };
}

function isSame(a: ServeParams, b: ServeParams): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function openOtherwise(url: string): TandemError {
  return new TandemError(
    "bad-input",
    `${url} is open already, with other options`,
    "Close it first (another window or `tandem serve` holds it), or choose another port",
  );
}
