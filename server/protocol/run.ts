import { z } from "zod";
import { DownloadProgress, ModelInfo } from "./models.ts";
import { Diagnostic, FileEdit, Range, SourceDocument } from "./source.ts";
import { Seam } from "./traffic.ts";

export const Action = z.enum(["docstring", "explain", "refactor", "fix", "test", "implement", "ask"]);
export type Action = z.output<typeof Action>;

/** Simple -> small model, moderate -> large model, complex -> large model drafting with the small one auditing. */
export const Tier = z.enum(["simple", "moderate", "complex"]);
export type Tier = z.output<typeof Tier>;

export const RunParams = z.object({
  /** What an explicit command fixes; left out, the instruction is classified. */
  action: Action.optional(),
  instruction: z.string().default(""),
  /** Left out only for `ask`. */
  document: SourceDocument.optional(),
  /** The selection, or an empty range at the cursor: the enclosing declaration is then meant. Left out: found from the instruction. */
  range: Range.optional(),
  diagnostics: z.array(Diagnostic).max(200).default([]),
  /** Open, unsaved files the task might touch besides `document` (a test file): their text wins over the disk's. */
  unsaved: z.array(SourceDocument).max(50).default([]),
  /** A name of the client's own for this run, for `tandem/run/accept`. */
  ticket: z.string().min(1).max(64).optional(),
});
export type RunParams = z.output<typeof RunParams>;

/** How a candidate's expected time comes about, in ms. Every term is a number that can be printed and replayed. */
export const RouteCost = z.object({
  queueMs: z.number(),
  loadMs: z.number(),
  prefillMs: z.number(),
  decodeMs: z.number(),
  /** For failures since it last worked, or for finding out whether it works again. */
  penaltyMs: z.number(),
  /** What others at work on it add, as it answers several at a time; left out: nothing. */
  contentionMs: z.number().optional(),
  /** For the share of requests that it does not answer; left out: nothing. */
  unreliableMs: z.number().optional(),
  /** What its device's warmth adds; left out: nothing. */
  thermalMs: z.number().optional(),
  /** The sum. */
  totalMs: z.number(),
});
export type RouteCost = z.output<typeof RouteCost>;

/**
 * How an engine stands to a task, whatever it costs. `meant`: for tasks of this kind; `drafts`: for others; `other`: it writes, but is
 * meant for auditing; `cloud`: where nobody here can be asked; `cloud first`: as the user wants it; `shut`: its circuit breaker is open.
 */
export const Standing = z.enum(["cloud first", "meant", "drafts", "other", "cloud", "shut"]);
export type Standing = z.output<typeof Standing>;

export const RouteCandidate = z.object({
  engine: z.string(),
  model: z.string(),
  device: z.string(),
  cost: RouteCost,
  /** Tokens of the prompt whose keys and values it is thought to hold still; left out: none. */
  warmTokens: z.number().optional(),
  /** Left out by orchestrators before this version. */
  standing: Standing.optional(),
  why: z.string(),
});
export type RouteCandidate = z.output<typeof RouteCandidate>;

/** Where in the answer a finding points: a one-based line of the drafted text. */
export const Finding = z.object({
  line: z.int().min(1),
  severity: z.enum(["error", "warning", "note"]),
  message: z.string(),
  /** `syntax` is certain; `audit` is a model's opinion. */
  source: z.enum(["audit", "syntax"]),
  /** The auditor's full critique, where there was time for one. */
  detail: z.string().optional(),
});
export type Finding = z.output<typeof Finding>;

/** One engine's share of a task. Rates come from what the engine reports, not from waiting. */
export const EngineUse = z.object({
  model: ModelInfo,
  device: z.string(),
  promptTokens: z.int(),
  completionTokens: z.int(),
  /** Time from asking to the first token. */
  ttftMs: z.number().nullable(),
  prefillMs: z.number(),
  decodeMs: z.number(),
  tokensPerSecond: z.number().nullable(),
});
export type EngineUse = z.output<typeof EngineUse>;

export const Timing = z.object({
  totalMs: z.number(),
  classifyMs: z.number(),
  routeMs: z.number(),
  /** Downloading, loading and waiting for an engine. */
  acquireMs: z.number(),
  /** From the first request to an engine until draft and audit were both done. */
  workMs: z.number(),
  draft: EngineUse,
  audit: EngineUse.nullable(),
  /** (draft busy + audit busy - work) / min(draft busy, audit busy); null without an audit. */
  overlap: z.number().nullable(),
  /** Whether a model had to be loaded first. */
  hasLoaded: z.boolean().default(false),
  /** `beside`: on an engine or slot of its own; `after`: the drafter's own turn, once the draft was written; null: no audit. */
  auditRan: z.enum(["beside", "after"]).nullable().default(null),
});
export type Timing = z.output<typeof Timing>;

/** How far an audit came. `verdict` is the final pass's: null where it was not reached or not readable. */
export const AuditSummary = z.object({
  parts: z.int(),
  audited: z.int(),
  /** Parts whose verdict could not be read; they count as not audited. */
  unclear: z.int(),
  finalPass: z.enum(["ok", "flag"]).nullable(),
  /** Why it ended before it was done; null: it did not. */
  endedBy: z.enum(["accepted", "time", "failure"]).nullable(),
  /** Drafts that were broken off because the audit found them hopeless, and drafts written anew after it, whether the new one was kept or not. */
  restarts: z.int(),
  repairs: z.int(),
});
export type AuditSummary = z.output<typeof AuditSummary>;

export const RunEvent = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("classified"),
    action: Action,
    tier: Tier,
    confidence: z.number(),
    why: z.string(),
    target: z.string().nullable(),
  }),
  z.object({
    kind: z.literal("routed"),
    draft: RouteCandidate,
    audit: RouteCandidate.nullable(),
    candidates: z.array(RouteCandidate),
    why: z.string(),
  }),
  /** Queued behind other work on the same engine; `position` 1 is next. */
  z.object({
    kind: z.literal("waiting"),
    engine: z.string(),
    position: z.int(),
    /** For what, where it is not its turn alone: memory, mostly. */
    why: z.string().optional(),
  }),
  z.object({ kind: z.literal("downloading"), progress: DownloadProgress }),
  z.object({ kind: z.literal("loading"), engine: z.string(), model: z.string() }),
  /** The engine is ready. `model` may differ from the one routed to when that could not be had; a notice then says so. */
  z.object({ kind: z.literal("ready"), engine: z.string(), model: ModelInfo, tookMs: z.number() }),
  /** Draft text as it will stand in the file, in order. The concatenation since the last `retry` equals the draft. */
  z.object({ kind: z.literal("draft"), text: z.string() }),
  /** One part of the draft was audited, while the rest may still be being written. */
  z.object({ kind: z.literal("audited"), part: z.int(), fromLine: z.int(), toLine: z.int(), isOk: z.boolean() }),
  z.object({ kind: z.literal("finding"), finding: Finding }),
  /** The full critique of the finding at this line. */
  z.object({ kind: z.literal("critique"), line: z.int().min(1), detail: z.string() }),
  /** The draft is written; only the audit goes on, and `tandem/run/accept` would end it at once. */
  z.object({ kind: z.literal("drafted") }),
  /** From here on a provider in the cloud may see this request; who shows it marks it. */
  z.object({ kind: z.literal("cloud"), engine: z.string(), host: z.string() }),
  /** Another engine goes on with the draft. */
  z.object({ kind: z.literal("seam"), seam: Seam }),
  /** The draft could not be used; drafting starts again. */
  z.object({ kind: z.literal("retry"), attempt: z.int(), why: z.string() }),
  /** Something the user should know that stops nothing. */
  z.object({ kind: z.literal("notice"), message: z.string() }),
]);
export type RunEvent = z.output<typeof RunEvent>;

export const RunResult = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("edit"),
    action: Action,
    edits: z.array(FileEdit).min(1),
    draft: z.string(),
    findings: z.array(Finding),
    notices: z.array(z.string()),
    timing: Timing,
    audit: AuditSummary.nullable().default(null),
    seams: z.array(Seam).default([]),
    /** Host in the cloud that saw the request, for a visible mark; null: nothing left this machine but to servers of the user's own. */
    cloud: z.string().nullable().default(null),
  }),
  z.object({
    kind: z.literal("answer"),
    action: Action,
    markdown: z.string(),
    findings: z.array(Finding),
    notices: z.array(z.string()),
    timing: Timing,
    audit: AuditSummary.nullable().default(null),
    seams: z.array(Seam).default([]),
    /** Host in the cloud that saw the request, for a visible mark; null: nothing left this machine but to servers of the user's own. */
    cloud: z.string().nullable().default(null),
  }),
]);
export type RunResult = z.output<typeof RunResult>;
