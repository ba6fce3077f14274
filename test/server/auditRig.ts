import { languageFacts } from "../../server/core/language.ts";
import type { DraftJob } from "../../server/core/prompt.ts";
import type { Engine, GenerateRequest, Piece } from "../../server/ports.ts";
import type { ModelInfo } from "../../server/protocol/models.ts";
import type { Timing } from "../../server/protocol/run.ts";
import type { Lease } from "../../server/scheduler.ts";
import type { Auditor } from "../../server/tasks/auditor.ts";
import { carriedBy } from "../../server/tasks/carried.ts";
import { type DraftedAndAudited, draftAndAudit } from "../../server/tasks/draftAndAudit.ts";
import { timing } from "../../server/tasks/timing.ts";
import { leastMakespan } from "../core/makespan.ts";
import { createVirtualTime, type VirtualTime } from "../fakes/virtualTime.ts";

/** What draft and audit take on their engines, in seconds, and how long the draft is. */
export interface Rates {
  readonly draft: number;
  /** To read all of the draft, in whatever parts. */
  readonly audit: number;
  /** What each verdict costs besides. */
  readonly fixed: number;
  readonly lines: number;
}

export interface RigOptions {
  /** How wrong the expected length is: 1 is right. */
  readonly length?: number;
  /** How wrong the known speeds are: both engines are known to be so many times as fast as they are. */
  readonly speed?: number;
  /** By how much each engine's every step varies, as a share, both ways. */
  readonly noise?: number;
  readonly seed?: number;
  /** The audit has the drafter's own turn, once the draft is done. */
  readonly isShared?: boolean;
}

export interface Rigged {
  /** Draft, all verdicts and the final pass, in virtual seconds. */
  readonly seconds: number;
  /** The least that was possible, for who had known every line beforehand. */
  readonly least: number;
  readonly worked: DraftedAndAudited;
  readonly timing: Timing;
  /** Where the parts ended, in lines. */
  readonly ends: readonly number[];
}

const never = new AbortController().signal;
/** Share of the draft's time in which its prompt is read. */
const PREFILL = 0.03;
const PIECE = 12;

/** Runs the main job's own code for draft and audit on scripted engines that take as long as they are told, in virtual time. */
export async function rig(rates: Rates, options: RigOptions = {}): Promise<Rigged> {
  const { length = 1, speed = 1, noise = 0, seed = 1, isShared = false } = options;
  const time = createVirtualTime();
  const chance = randomFrom(seed);
  const vary = (ms: number) => ms * (1 + noise * (2 * chance() - 1));
  const text = codeOf(rates.lines, chance);
  const ends: number[] = [];
  const drafter = leaseOf("drafter", writes(text, rates, { time, vary }));
  const auditor = isShared ? drafter : leaseOf("auditor", judges(text, rates, { time, vary }));
  const both: Lease = isShared
    ? leaseOf("both", either(writes(text, rates, { time, vary }), judges(text, rates, { time, vary })))
    : drafter;
  const turn = isShared ? both : auditor;
  const auditing: Auditor = {
    ...{ lease: turn, isShared, carried: carriedBy(turn, time) },
    [Symbol.dispose]: () => undefined,
  };
  const worked = await time.run(
    draftAndAudit(
      {
        action: "implement",
        job: jobOf(text.length * length),
        sampling: { temperature: 0, topP: 1, seed: 1 },
        facts: languageFacts("typescript"),
        isParsed: false,
        drafter: carriedBy(isShared ? both : drafter, time),
        auditor: Promise.resolve(auditing),
        onDrafted: () => undefined,
        inspect: async () => ({ kind: "usable", edit: null }),
        speeds: () => ({
          draftPerSecond: (speed * text.length) / 3.2 / rates.draft,
          readPerSecond: (speed * text.length) / 2.4 / rates.audit,
          verdictPerSecond: (speed * 6) / rates.fixed,
        }),
        onHopeless: "go on",
        ending: { accepted: never, auditSeconds: 1e6 },
        clock: time,
        emit: (event) => event.kind === "audited" && ends.push(event.toLine),
      },
      never,
    ),
  );
  const marks = { startedMs: 0, classifiedMs: 0, routedMs: 0, acquiredMs: 0, endedMs: time.nowMs(), hasLoaded: false };
  const told = timing(marks, [worked]);
  return { seconds: worked.workMs / 1_000, least: leastSeconds(text, rates), worked, timing: told, ends };
}

/** The final pass costs a verdict; a draft that is judged at once needs none. */
function leastSeconds(text: string, { draft, audit, fixed }: Rates): number {
  const lines = text.split("\n").map((line, at) => {
    const share = (line.length + 1) / (text.length + 1);
    const draftMs = draft * 1_000 * (share * (1 - PREFILL) + (at === 0 ? PREFILL : 0));
    return { draftMs, auditMs: audit * 1_000 * share };
  });
  const inParts = leastMakespan(lines, fixed * 1_000).ms / 1_000 + fixed;
  return Math.min(inParts, draft + fixed + audit);
}

interface Pace {
  readonly time: VirtualTime;
  readonly vary: (ms: number) => number;
}

type Generate = Engine["generate"];

function writes(text: string, { draft }: Rates, { time, vary }: Pace): Generate {
  const answer = `\`\`\`ts\n${text}\n\`\`\``;
  return async function* (_, signal): AsyncGenerator<Piece, void, void> {
    const pieces = answer.match(new RegExp(`[^\\n]{1,${PIECE}}\\n?|\\n`, "g")) ?? [];
    const prefillMs = vary(draft * 1_000 * PREFILL);
    await time.wait(prefillMs, signal);
    let decodeMs = 0;
    for (const piece of pieces) {
      const ms = vary((draft * 1_000 * (1 - PREFILL) * piece.length) / answer.length);
      decodeMs += ms;
      await time.wait(ms, signal);
      yield { kind: "text", text: piece };
    }
    const tokens = Math.ceil(answer.length / 3.2);
    yield done({ promptTokens: 400, completionTokens: tokens, prefillMs, decodeMs });
  };
}

function judges(text: string, { audit, fixed }: Rates, { time, vary }: Pace): Generate {
  return async function* (request: GenerateRequest, signal): AsyncGenerator<Piece, void, void> {
    const asked = request.prompt.kind === "chat" ? (request.prompt.messages.at(-1)?.content ?? "") : "";
    const shown = [...asked.matchAll(/^\d+\| (.*)$/gm)].reduce((sum, it) => sum + (it[1]?.length ?? 0) + 1, 0);
    const isOpening = request.maxTokens === 1;
    const prefillMs = vary(isOpening ? 100 : (audit * 1_000 * shown) / text.length + fixed * 400);
    const decodeMs = vary(isOpening ? 0 : fixed * 600);
    await time.wait(prefillMs + decodeMs, signal);
    yield { kind: "text", text: '{"ok":true}' };
    yield done({ promptTokens: Math.ceil(shown / 2.4), completionTokens: 6, prefillMs, decodeMs });
  };
}

function either(drafts: Generate, audits: Generate): Generate {
  return (request, signal) => (request.shape ? audits(request, signal) : drafts(request, signal));
}

function done(counts: Omit<Extract<Piece, { kind: "done" }>, "kind" | "finish" | "cachedTokens">): Piece {
  return { kind: "done", finish: "stop", cachedTokens: 0, ...counts };
}

function leaseOf(id: string, generate: Generate): Lease {
  const model: ModelInfo = {
    ...{ id, label: id, parametersB: 7, quantisation: null, contextTokens: 100_000 },
    ...{ promptStyle: "chat", isTrial: false },
  };
  return turnOn({
    ...{ model, device: id, slots: 1, pid: null, generate, serves: [], relay: null, embed: null },
    ...{ gone: new Promise<string>(() => undefined), held: null, trim: null, placement: null },
    [Symbol.asyncDispose]: async () => undefined,
  });
}

/** A turn on an engine that nobody else uses. */
export function turnOn(engine: Engine): Lease {
  const refuse = () => Promise.reject(new Error("nobody takes this turn away"));
  return {
    ...{ id: engine.device, instead: null, engine, report: () => undefined, reportFailure: () => undefined },
    ...{ offer: () => undefined, resume: refuse },
    [Symbol.dispose]: () => undefined,
  };
}

function jobOf(expected: number): DraftJob {
  const start = { line: 0, character: 0 };
  return {
    kind: "job",
    prompt: { kind: "chat", messages: [{ role: "user", content: "Write it." }] },
    stop: [],
    maxTokens: 1e6,
    repeatPenalty: 1,
    extraction: { kind: "fence", indent: "", unit: "  ", lexis: languageFacts("typescript"), without: "" },
    lead: "",
    tail: "",
    place: {
      ...{ uri: "file:///a.ts", version: null, range: { start, end: start }, isNewFile: false, text: "" },
      // What is replaced is what one can tell of a draft's length.
      ...{ before: "x".repeat(Math.round(expected / 1.15)), languageId: "typescript" },
    },
    brief: "Write it.",
  };
}

/** Code with functions, nested blocks and blank lines: so many lines of it. */
export function codeOf(lines: number, chance: () => number): string {
  const made: string[] = [];
  let depth = 0;
  while (made.length < lines) {
    const left = lines - made.length;
    if (left <= depth) made.push(`${"  ".repeat(--depth)}}`);
    else if (depth === 0) {
      if (left < 4) made.push(`const rest${left} = ${word(chance)};`);
      else made.push(`export function ${word(chance)}(${word(chance)}: string): number {`);
      depth = left < 4 ? 0 : 1;
    } else if (chance() < 0.2 && depth < 4 && left > depth + 3) {
      made.push(`${"  ".repeat(depth++)}if (${word(chance)} > ${word(chance)}.length) {`);
    } else if (chance() < 0.3 && depth > 1) made.push(`${"  ".repeat(--depth)}}`);
    else if (chance() < 0.08 && depth === 1 && left > 6) {
      made.push(`${"  ".repeat(--depth)}}`, "");
    } else if (chance() < 0.1 && made.at(-1) !== "") made.push("");
    else made.push(`${"  ".repeat(depth)}const ${word(chance)} = ${word(chance)}(${word(chance)}, ${made.length});`);
  }
  return made.slice(0, lines).join("\n");
}

function word(chance: () => number): string {
  const syllables = ["ta", "re", "mo", "li", "ku", "sen", "dor", "pa"];
  return Array.from({ length: 2 + Math.floor(chance() * 4) }, () => syllables[Math.floor(chance() * 8)]).join("");
}

/** Mulberry32: the same numbers for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
