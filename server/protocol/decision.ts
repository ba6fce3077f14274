import { z } from "zod";
import { Backend } from "./routing.ts";
import { Action, RouteCandidate, Tier } from "./run.ts";
import { Seam } from "./traffic.ts";

/** More hand-overs than this no request has. */
export const MOST_FALLBACKS = 16;

/**
 * Which engine a request goes to, and on what grounds: what response headers name and the journal keeps. Never prompts or answers.
 * Fields are only ever added, and added ones have a default, so that what an older version has stored can be read.
 */
export const Decision = z.object({
  /** Unique, so that a header, a log line and the journal can speak of the same one. */
  id: z.string().min(1).max(64),
  /** Wall clock, milliseconds since 1970. */
  atMs: z.number(),
  /** The request's method in the contract: "tandem/openai/chat", "tandem/run" and so on. */
  method: z.string().max(100).default(""),
  /** The model that was asked for: "auto", or the name that pinned it. */
  asked: z.string().max(1_000).default("auto"),
  /** The engine's name in the client's session, and the model and device that answer. */
  engine: z.string(),
  model: z.string(),
  device: z.string(),
  /** What runs the model; null: not told. */
  backend: Backend.nullable().default(null),
  /** Host and port of the server that was there already; null: it is a process of Tandem's own. */
  address: z.string().max(300).nullable().default(null),
  /** Whether the request leaves this machine for a provider in the cloud. */
  isCloud: z.boolean().default(false),
  /** When the engine was expected to be done, from the time of the decision, in milliseconds; null where nothing was reckoned. */
  estimatedMs: z.number().nullable().default(null),
  /** What the task was taken for; null where nothing was classified: a pinned model, or vectors. */
  action: Action.nullable().default(null),
  tier: Tier.nullable(),
  /** How surely, 0 to 1; null where nothing was classified. */
  confidence: z.number().nullable().default(null),
  /** Why it was taken for that, with a few of the request's own words: for who asked. Never stored, as no part of a prompt is. */
  taken: z.string().default(""),
  /** Why it goes to this engine. */
  why: z.string(),
  /** What was compared, the best first, each with every term of its cost; empty where there was no choice. */
  candidates: z.array(RouteCandidate),
  /** The decision that this one replaces, as its engine failed; null: it is the request's first. */
  after: z.string().max(64).nullable().default(null),
  /** Where other engines went on, in order; at character 0 before there was any text. */
  fallbacks: z.array(Seam).max(MOST_FALLBACKS).default([]),
  /** What kind of client asked; null where that was not said. */
  client: z.enum(["vscode", "cli", "editor", "http"]).nullable().default(null),
});
export type Decision = z.output<typeof Decision>;
