import { z } from "zod";
import { TandemError } from "../errors.ts";
import { readShort } from "./connection.ts";
import { parseJson } from "./refusal.ts";
import type { Server } from "./server.ts";
import { pause } from "./timing.ts";

/**
 * Between two looks, the last for good. llama-server looks whether a client is still there when it writes to it, or when nothing at all
 * happened for a second; each look of ours is such a happening. So the quick ones are few: a request that was broken off before it wrote
 * anything, and without telling its progress, would never be found.
 */
const LOOKS_MS = [10, 20, 40, 60, 80, 120, 160, 1_200];

const Slots = z.array(z.looseObject({ is_processing: z.boolean() }));

/**
 * Resolves when a llama-server's `/slots` shows that it works on nothing more than what we have asked it for and not broken off; or, where
 * others use it too, that something it worked on at the first look has ended. With how long that took.
 */
export function createSettle(server: Server, modelName: string): (signal: AbortSignal) => Promise<number> {
  const { timing, load, address } = server;
  const url = `${address.root}/slots?model=${encodeURIComponent(modelName)}`;
  let waiting = 0;
  return async (signal) => {
    const startMs = timing.nowMs();
    let first: ReadonlySet<string> | null = null;
    waiting++;
    try {
      for (let looks = 0; ; looks++) {
        const busy = await busySlots(server, url, signal);
        first ??= busy;
        if (busy.size <= load.running || endedSince(first, busy) >= waiting) return timing.nowMs() - startMs;
        await pause(LOOKS_MS[Math.min(looks, LOOKS_MS.length - 1)] ?? 0, signal, timing);
      }
    } finally {
      waiting--;
    }
  };
}

/** By slot and task: a slot that has taken the next task is free of the one before. */
async function busySlots(
  { connection, address }: Server,
  url: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const reply = await connection.get(url, signal);
  const slots = Slots.safeParse(parseJson(await readShort(reply, signal)));
  if (reply.status !== 200 || !slots.success)
    throw new TandemError("provider", `${address.host} does not show its slots`, "Start it without --no-slots");
  return new Set(slots.data.flatMap((it, at) => (it.is_processing ? [`${at} ${String(it.id_task)}`] : [])));
}

function endedSince(first: ReadonlySet<string>, now: ReadonlySet<string>): number {
  return [...first].filter((it) => !now.has(it)).length;
}
