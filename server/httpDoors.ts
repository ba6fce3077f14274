import { abortError, TandemError } from "./errors.ts";
import type { Call } from "./handlers.ts";
import type { ServeEvent, ServeParams } from "./protocol/service.ts";

/** An HTTP door that is open. */
export interface OpenDoor extends AsyncDisposable {
  readonly url: string;
  /** Where its key is. */
  readonly keyFile: string;
}

/** The HTTP doors that clients have asked for: one for each address, open as long as somebody wants it. */
export interface HttpDoors extends AsyncDisposable {
  /** Opens the door, or joins those who have it open, until the call is cancelled or the doors are closed. Throws TandemError. */
  serve(params: ServeParams, open: () => Promise<OpenDoor>, call: Call<ServeEvent>): Promise<void>;
  /** Where one listens; null when none does. */
  url(): string | null;
}

interface Held {
  readonly params: ServeParams;
  readonly door: Promise<OpenDoor>;
  url: string | null;
  holders: number;
}

export function createHttpDoors(): HttpDoors {
  const doors = new Map<string, Held>();
  /** Doors that are being closed; their addresses are free afterwards. */
  const closings = new Map<string, Promise<void>>();
  const leaving = new AbortController();

  function hold(address: string, params: ServeParams, open: () => Promise<OpenDoor>): Held {
    const known = doors.get(address);
    if (known) return known;
    const door = (closings.get(address) ?? Promise.resolve()).then(open);
    const held: Held = { params, door, url: null, holders: 0 };
    doors.set(address, held);
    return held;
  }

  async function release(address: string, held: Held): Promise<void> {
    held.holders--;
    if (held.holders > 0) return;
    if (doors.get(address) === held) doors.delete(address);
    const closing = close(held);
    closings.set(address, closing);
    await closing;
    if (closings.get(address) === closing) closings.delete(address);
  }

  return {
    url: () => [...doors.values()].find((it) => it.url !== null)?.url ?? null,
    async serve(params, open, { emit, signal }) {
      // A port that the system picks is another one each time.
      const address = params.port === 0 ? `${params.host} ${crypto.randomUUID()}` : `${params.host}:${params.port}`;
      const held = hold(address, params, open);
      held.holders++;
      try {
        const { url, keyFile } = await held.door;
        held.url = url;
        if (!isSame(held.params, params)) throw openOtherwise(url);
        emit({ kind: "listening", url, keyFile, pid: process.pid });
        await aborted(AbortSignal.any([signal, leaving.signal]));
      } finally {
        await release(address, held);
      }
    },
    async [Symbol.asyncDispose]() {
      // As if it had not begun: the next orchestrator opens the door, and nothing was lost.
      const details = { started: false };
      leaving.abort(
        new TandemError("shutting-down", "The orchestrator is leaving", "Open the door again", { details }),
      );
      await Promise.all([...[...doors.values()].map(close), ...closings.values()]);
    },
  };
}

/** A door that could not be opened was reported to whoever asked for it. */
async function close({ door }: Held): Promise<void> {
  const opened = await door.catch(() => null);
  await opened?.[Symbol.asyncDispose]();
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

function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(abortError(signal));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return promise;
}
