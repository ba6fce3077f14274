import { z } from "zod";
import { request } from "./define.ts";
import { RunEvent } from "./run.ts";
import { EngineStatus } from "./status.ts";

/** An engine by its `handle`, by its id among this client's, or by its model; `load` also takes a model that no engine has yet. */
const Named = z.object({ engine: z.string().min(1).max(1_000) }).strict();

/** Loads an engine before anybody asks for it; it waits for memory as any request would. Events are `downloading`, `waiting`, `loading`. */
export const load = request({
  method: "tandem/engines/load",
  params: Named,
  event: RunEvent,
  result: EngineStatus,
  afterLoss: "resend",
});

/** Unloads an engine once its requests are done; no new ones are let in. Resolves when its memory is free. */
export const unload = request({
  method: "tandem/engines/unload",
  params: Named,
  event: z.object({}).strict(),
  result: EngineStatus,
  afterLoss: "resend",
});

/** Keeps an engine from being unloaded by itself, or no longer. */
export const pin = request({
  method: "tandem/engines/pin",
  params: Named.extend({ isPinned: z.boolean() }),
  event: z.object({}).strict(),
  result: EngineStatus,
  afterLoss: "resend",
});
