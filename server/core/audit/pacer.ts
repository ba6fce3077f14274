import { type Cut, type Held, MOST_LINES } from "../cut.ts";
import { outlook, type Pace } from "./horizon.ts";

/** What is known of the two engines before they begin; null: never measured. In tokens per second. */
export interface KnownSpeeds {
  readonly draftPerSecond: number | null;
  readonly readPerSecond: number | null;
  readonly verdictPerSecond: number | null;
}

export interface Expectations {
  /** Asked at every choice: the auditor's speed may be known only once it has read the task. */
  readonly known: () => KnownSpeeds;
  /** Characters of the draft, as far as one can tell. */
  readonly expected: number;
}

export interface Pacer {
  /** So much of the draft was written by then. */
  wrote(characters: number, nowMs: number): void;
  /** A part took so long, from handing it over to its verdict. */
  judged(characters: number, ms: number): void;
  /** How many of the held lines the auditor, who has nothing to do, is given now; null: it is better to wait for more. */
  choose(held: Held, nowMs: number): number | null;
}

/** English and code come to some 3.2 characters a token in today's vocabularies (as in `estimateTokens`). */
const CHARACTERS_PER_TOKEN = 3.2;
/** Until it is measured: a middling model on a GPU. It is corrected by the first lines and the first verdict. */
const PRIOR = { draftPerSecond: 30, readPerSecond: 600, verdictPerSecond: 30 };
/** Of a part, whose lines are numbered, each number taking some three tokens. */
const NUMBERED_PER_TOKEN = 2.4;
/** `{"ok":true}` and what a chat template puts around a part. */
const VERDICT_TOKENS = 6;
/** So much text says more about the drafter's speed than what was known before. */
const ENOUGH_CHARACTERS = 120;
/** Weight of the newest part in the moving average, as in the rates that routing goes by. */
const NEWEST = 0.3;
/** A single line says little: it must gain so much more. */
const SINGLE_LINE = 0.2;
/** Where it costs no time to wait for the end of a block, a part has at least so many lines; twice as many where it ends within one. */
const GOOD_LINES = 6;
/** What a part may cost for ending well, and must gain for ending badly, as a share of what every part costs besides its text. */
const MARGIN = 0.02;
/** A draft that outgrew what was expected goes on for so much of what there is (nobody knows; a half did best in simulations). */
const OUTGROWN = 0.5;
/** But no further than so many times what it has outgrown it by. */
const OVERSHOOT = 4;
/** And no draft ends before the line that is being written. */
const LEAST_REMAINING = 30;

/**
 * Decides when the auditor is handed what. Reckons at every line that comes, and whenever the auditor is free, whether everything would be
 * judged sooner with a part now or with a longer one later. What follows from that: an auditor that is faster than the drafter gets whole
 * blocks and small parts towards the end, so that little is left when the draft is done; a slower one gets few parts that grow, and is
 * never idle.
 */
export function createPacer({ known, expected }: Expectations): Pacer {
  /** Measured in this draft; null: not yet. */
  let besidesMs: number | null = null;
  let first: { readonly characters: number; readonly atMs: number } | null = null;
  let written = 0;

  /** Counts the time since the last piece as well: a drafter that has come to a halt is slow. */
  function draftMs(nowMs: number): number {
    const since = first === null ? 0 : written - first.characters;
    if (first !== null && since >= ENOUGH_CHARACTERS) return (nowMs - first.atMs) / since;
    return msPerCharacter(known().draftPerSecond ?? PRIOR.draftPerSecond);
  }

  return {
    wrote(characters, nowMs) {
      written += characters;
      // The first piece waited for the prompt to be read.
      first ??= { characters, atMs: nowMs };
    },
    judged(characters, ms) {
      const newest = Math.max(0, ms - characters * readMs(known()));
      besidesMs = besidesMs === null ? newest : besidesMs + NEWEST * (newest - besidesMs);
    },
    choose(held, nowMs) {
      const speeds = known();
      const fixedMs = besidesMs ?? (1_000 * VERDICT_TOKENS) / (speeds.verdictPerSecond ?? PRIOR.verdictPerSecond);
      const pace = { draftMsPerCharacter: draftMs(nowMs), auditMsPerCharacter: readMs(speeds), fixedMs };
      const left = expected - written;
      // No step where the expected length is reached: most drafts end thereabouts.
      const outgrown = Math.min(written * OUTGROWN, -left * OVERSHOOT);
      const remaining = Math.max(LEAST_REMAINING, left, outgrown);
      return chosen(held, pace, remaining);
    },
  };
}

function chosen(held: Held, pace: Pace, remainingCharacters: number): number | null {
  const now = { pace, remainingCharacters };
  const whole = { heldCharacters: held.characters, isHeldCuttable: false };
  const waitMs = outlook({ ...now, ...whole, freeInMs: 0 });
  let best: { readonly lines: number; readonly gainMs: number } | null = null;
  for (const cut of [held.natural, held.anywhere]) {
    if (cut === null) continue;
    const freeInMs = pace.fixedMs + cut.characters * pace.auditMsPerCharacter;
    const heldCharacters = held.characters - cut.characters;
    const gainMs = waitMs - outlook({ ...now, heldCharacters, isHeldCuttable: true, freeInMs });
    const isNatural = cut === held.natural;
    if (gainMs < leastGain(cut, isNatural) * pace.fixedMs) continue;
    if (best === null || gainMs > best.gainMs + 1) best = { lines: cut.lines, gainMs };
  }
  const isFull = held.most !== null && held.most.lines >= MOST_LINES;
  return best?.lines ?? (isFull ? (held.natural ?? held.anywhere ?? held.most)?.lines : null);
}

function leastGain({ lines }: Cut, isNatural: boolean): number {
  if (lines === 1) return SINGLE_LINE;
  if (lines >= (isNatural ? GOOD_LINES : 2 * GOOD_LINES)) return -MARGIN;
  return isNatural ? MARGIN : 2 * MARGIN;
}

function readMs({ readPerSecond }: KnownSpeeds): number {
  return 1_000 / ((readPerSecond ?? PRIOR.readPerSecond) * NUMBERED_PER_TOKEN);
}

function msPerCharacter(tokensPerSecond: number): number {
  return 1_000 / (tokensPerSecond * CHARACTERS_PER_TOKEN);
}
