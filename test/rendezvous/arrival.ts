import { once } from "node:events";
import { createInterface } from "node:readline";
import { z } from "zod";
import { attach } from "../../server/rendezvous/attach.ts";
import { client, placeIn } from "./place.ts";
import type { Arrival } from "./storm.ts";

/**
 * One of many clients that arrive at the same instant at the place its argument names. It tells when it is ready, arrives at the time
 * it is sent, tells what it found, and stays until it is let go.
 */
const { names, start } = placeIn(process.argv[2] ?? "");
const signal = AbortSignal.timeout(120_000);
process.send?.("ready");
const [message] = await once(process, "message", { signal });
const atMs = z.number().parse(message);
const starts: number[] = [];
setTimeout(async () => {
  const attached = await attach(
    {
      client,
      names,
      start: async () => {
        const started = await start();
        starts.push(started.pid);
        return started;
      },
      deadlineMs: 60_000,
    },
    signal,
  );
  const [pid] = await once(createInterface(attached.socket), "line", { signal });
  const arrival: Arrival = { servedBy: Number(pid), startedByUs: attached.startedByUs, starts, atMs: Date.now() };
  process.send?.(arrival);
}, atMs - Date.now());
process.on("disconnect", () => process.exit());
