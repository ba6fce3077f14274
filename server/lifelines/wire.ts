import { z } from "zod";

/** What a process of the orchestrator's is, for whoever finds it left behind. */
export const ProcessKind = z.enum(["engine", "shim", "foreign"]);
export type ProcessKind = z.output<typeof ProcessKind>;

/** A process as it can be told from a later one with the same number. */
export const ProcessIdentity = z.object({ pid: z.int().positive(), mark: z.string().min(1) });
export type ProcessIdentity = z.output<typeof ProcessIdentity>;

/** Orchestrator to shim: `start` once, first. `stop` ends the program, as the closing of the channel does. */
export const ToShim = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("start"),
    program: z.string(),
    args: z.array(z.string()),
    env: z.record(z.string(), z.string()),
    /** Where the program is written down, and for whom; null: nowhere. */
    register: z.object({ folder: z.string(), orchestrator: ProcessIdentity }).nullable(),
  }),
  z.object({ kind: z.literal("stop") }),
]);
export type ToShim = z.output<typeof ToShim>;

/** Shim to orchestrator. `failed`: there is no such program, or it may not be run. After `failed` and `ended` the shim leaves. */
export const FromShim = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("started"), pid: z.int().positive() }),
  z.object({ kind: z.literal("failed"), message: z.string() }),
  z.object({ kind: z.literal("ended"), exitCode: z.int().nullable(), signal: z.string().nullable() }),
]);
export type FromShim = z.output<typeof FromShim>;
