import { IDENTIFIER, type Reading } from "./reading.ts";

/** What the linear model sees of a request: hashed features, what each weighs, and which word it is from. */
export interface Features {
  readonly buckets: number[];
  readonly values: number[];
  /** Index into the request's words; negative: `-1 - index` of `FACTS`. */
  readonly sources: number[];
}

/** What is known of a request besides its words. */
export interface Facts {
  /** Errors the compiler or linter reports in the code. */
  readonly errorCount: number;
  /** What the cue list says, per action; see `cueScores`. Empty: the cue list is not asked. */
  readonly cues: readonly number[];
}

/** Features that are no words, as people would name them. */
export const FACTS = [
  "its length",
  "the question mark",
  "the pasted code",
  "the stack trace",
  "a name of code in it",
  "the errors in the code",
  "the cue list",
] as const;

/** Buckets that features are hashed into: a power of two. With half as many, two in a hundred requests more were misread. */
export const BUCKETS = 16_384;

/** A word counts fully at the start of the request and fades to a third of that over this many words. */
const FADE_WORDS = 12;
/** Words up to this long are taken apart; what is longer is a name that lost its capitals. */
const LONGEST_WORD = 18;
/** Of a sentence that is written without spaces. */
const MOST_PIECED = 60;
const CHARACTER_WEIGHT = 0.6;
const SEEDS = { word: 11, pair: 23, first: 37, firstPair: 53, second: 71, piece: 97, fact: 131, last: 151 };
const BOUNDARY = 32;
const CJK = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/;

/** The features of a request. Pure and bounded: a reading has at most sixty words. */
export function featuresOf(reading: Reading, facts: Facts): Features {
  const found: Features = { buckets: [], values: [], sources: [] };
  const { words } = reading;
  const hashes = words.map((it) => hash(SEEDS.word, it));
  for (const [index, word] of words.entries()) {
    const weight = 1 - (2 / 3) * Math.min(1, index / FADE_WORDS);
    const own = hashes[index] ?? 0;
    put(found, own, weight, index);
    const next = hashes[index + 1];
    if (next !== undefined) put(found, mixed(SEEDS.pair, own, next), weight, index);
    if (index === 0) {
      put(found, mixed(SEEDS.first, own, 0), 1, 0);
      if (next !== undefined) put(found, mixed(SEEDS.firstPair, own, next), 1, 0);
    }
    if (index === 1) put(found, mixed(SEEDS.second, own, 0), 0.7, 1);
    if (index === words.length - 1) put(found, mixed(SEEDS.last, own, 0), 0.7, index);
    pieces(found, word, weight, index);
  }
  normalise(found.values);
  putFacts(found, reading, facts);
  return found;
}

/** A request has hundreds of features, and is classified before its first token. */
function normalise(values: number[]): void {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += (values[at] ?? 0) * (values[at] ?? 0);
  const norm = Math.sqrt(sum) || 1;
  for (let at = 0; at < values.length; at++) values[at] = (2 * (values[at] ?? 0)) / norm;
}

/** Pieces of three to five characters with the word's ends, so that a slip of the fingers leaves most of them as they were. */
function pieces(found: Features, word: string, weight: number, index: number): void {
  const isCjk = CJK.test(word);
  if (!isCjk && (word === IDENTIFIER || word.length > LONGEST_WORD || word.length < 2)) return;
  const text = word.slice(0, MOST_PIECED);
  const from = isCjk ? 0 : -1;
  const to = isCjk ? text.length : text.length + 1;
  const [least, most] = isCjk ? [1, 3] : [3, 5];
  const code = (at: number) => (at < 0 || at >= text.length ? BOUNDARY : text.charCodeAt(at));
  const each = (weight * CHARACTER_WEIGHT) / (isCjk ? 1 : Math.sqrt(word.length / 4));
  for (let start = from; start < to; start++) {
    let sum = SEEDS.piece;
    for (let length = 1; length <= most && start + length <= to; length++) {
      sum = step(sum, code(start + length - 1));
      if (length >= least) put(found, finished(sum + length), each, index);
    }
  }
}

function putFacts(found: Features, reading: Reading, { errorCount, cues }: Facts): void {
  const fact = (index: number, name: string, value: number) =>
    put(found, hash(SEEDS.fact, `${index}${name}`), value, -1 - index);
  const count = reading.words.length;
  fact(0, count === 0 ? "none" : count === 1 ? "one" : count <= 3 ? "few" : count <= 8 ? "some" : "many", 0.5);
  if (reading.isQuestion) fact(1, "", 1);
  if (reading.hasCode) fact(2, "", 0.5);
  if (reading.hasTrace) fact(3, "", 1);
  if (reading.words.includes(IDENTIFIER)) fact(4, "", 0.5);
  if (errorCount > 0) fact(5, "", 1);
  for (const [index, score] of cues.entries()) if (score > 0) fact(6, `${index}`, score);
}

function put(found: Features, sum: number, value: number, source: number): void {
  found.buckets.push(sum & (BUCKETS - 1));
  found.values.push(value);
  found.sources.push(source);
}

/** FNV-1a over UTF-16 code units. */
function step(sum: number, unit: number): number {
  return Math.imul(sum ^ unit, 16_777_619);
}

function hash(seed: number, text: string): number {
  let sum = step(-2_128_831_035, seed);
  for (let index = 0; index < text.length; index++) sum = step(sum, text.charCodeAt(index));
  return finished(sum);
}

function mixed(seed: number, first: number, second: number): number {
  return finished(step(step(step(seed, first), second >>> 7), second));
}

/** MurmurHash3's last steps: FNV's low bits alone fall together too often. */
function finished(sum: number): number {
  let mixing = sum ^ (sum >>> 16);
  mixing = Math.imul(mixing, -2_048_144_789);
  mixing ^= mixing >>> 13;
  mixing = Math.imul(mixing, -1_028_477_387);
  return (mixing ^ (mixing >>> 16)) >>> 0;
}
