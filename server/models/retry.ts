import { throwIfAborted } from "../errors.ts";
import { SourceError } from "./failure.ts";
import type { PartFile } from "./part.ts";

export type Delay = (ms: number, signal: AbortSignal) => Promise<void>;

/** Tries in a row that brought nothing. */
const MAX_FRUITLESS = 4;
/** Tries in all, however much each brought. */
const MAX_TRIES = 200;
const FIRST_WAIT_MS = 500;
/** Also the most a server can make us wait: beyond it, another source is the better answer. */
const MAX_WAIT_MS = 30_000;

/**
 * Runs `once` until it succeeds, waiting between passing failures: twice as long each time, give or take half, so that
 * many clients of a broken server do not come back together. A server that cannot be connected to at all is given up at
 * once, unless it had already sent something. Throws the last SourceError, or whatever else `once` throws.
 */
export async function retrying(
  once: () => Promise<void>,
  { part, delay, random }: { readonly part: PartFile; readonly delay: Delay; readonly random: () => number },
  signal: AbortSignal,
): Promise<void> {
  let fruitless = 0;
  let hasReceived = false;
  for (let tries = 1; ; tries++) {
    const before = part.bytes;
    try {
      return await once();
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof SourceError)) throw error;
      hasReceived ||= part.bytes > before;
      fruitless = part.bytes > before ? 0 : fruitless + 1;
      const mayHelp = error.isPassing || (hasReceived && error.kind === "unreachable");
      const waitMs = error.retryAfterMs ?? Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** fruitless * (0.5 + random()));
      if (!mayHelp || fruitless >= MAX_FRUITLESS || tries >= MAX_TRIES || waitMs > MAX_WAIT_MS) throw error;
      await delay(waitMs, signal);
    }
  }
}
