/**
 * The regular expressions of users' rules, matched in time linear in the text whatever the pattern (Thompson's construction: all states
 * at once, none tried again), because a rule is run on every request. What is understood: characters, `.`, `[...]`, `\d \w \s \D \W
 * \S`, `\b`, `^`, `$`, groups, `|`, `*`, `+` and `?`. Case does not count. Not understood: look-around, back references, `{n,m}`.
 */
export interface Pattern {
  matches(text: string): boolean;
}

/** Characters of a pattern. */
export const MOST_PATTERN = 200;
/** Characters of a request that a rule looks at. */
const MOST_TEXT = 2_000;
/** Groups in groups. */
const MOST_DEPTH = 20;

type Assertion = "start" | "end" | "edge";
type Step =
  | { readonly kind: "one"; readonly fits: (character: string) => boolean; next: number }
  | { readonly kind: "fork"; next: number; other: number }
  | { readonly kind: "assert"; readonly what: Assertion; next: number }
  | { readonly kind: "done" };

type Part =
  | { readonly kind: "one"; readonly fits: (character: string) => boolean }
  | { readonly kind: "assert"; readonly what: Assertion }
  | { readonly kind: "sequence" | "either"; readonly parts: readonly Part[] }
  | { readonly kind: "repeat"; readonly part: Part; readonly how: "*" | "+" | "?" };

/** The pattern ready to match, or what is wrong with it, as a clause. Never throws. */
export function compile(source: string): Pattern | { readonly wrong: string } {
  if (source.length > MOST_PATTERN)
    return { wrong: `it has ${source.length} characters; at most ${MOST_PATTERN} are read` };
  const parsed = parse([...source]);
  if ("wrong" in parsed) return parsed;
  const steps: Step[] = [{ kind: "done" }];
  const start = build(parsed, 0, steps);
  return { matches: (text) => run(steps, start, [...text.slice(0, MOST_TEXT)]) };
}

function parse(source: readonly string[]): Part | { wrong: string } {
  const reader = { source, at: 0, depth: 0 };
  const part = either(reader);
  if ("wrong" in part) return part;
  return reader.at < source.length ? { wrong: `")" at ${reader.at + 1} closes nothing` } : part;
}

interface Reader {
  readonly source: readonly string[];
  at: number;
  depth: number;
}

function either(reader: Reader): Part | { wrong: string } {
  const parts: Part[] = [];
  for (;;) {
    const sequence: Part[] = [];
    while (reader.at < reader.source.length && !"|)".includes(reader.source[reader.at] ?? "")) {
      const part = repeated(reader);
      if ("wrong" in part) return part;
      sequence.push(part);
    }
    parts.push({ kind: "sequence", parts: sequence });
    if (reader.source[reader.at] !== "|") break;
    reader.at++;
  }
  return parts.length === 1 && parts[0] ? parts[0] : { kind: "either", parts };
}

function repeated(reader: Reader): Part | { wrong: string } {
  const part = atom(reader);
  const how = reader.source[reader.at] ?? "";
  if (!("wrong" in part) && how === "{")
    return { wrong: `"{n,m}" at ${reader.at + 1} is not understood; write it out` };
  if ("wrong" in part || !isSign(how)) return part;
  reader.at++;
  if (reader.source[reader.at] === "?") reader.at++; // whether it is greedy does not matter for "is it there"
  if (isSign(reader.source[reader.at] ?? ""))
    return { wrong: `"${reader.source[reader.at]}" at ${reader.at + 1} repeats a repetition` };
  return { kind: "repeat", part, how };
}

function isSign(text: string): text is "*" | "+" | "?" {
  return text === "*" || text === "+" || text === "?";
}

function atom(reader: Reader): Part | { wrong: string } {
  const place = reader.at + 1;
  const character = reader.source[reader.at++] ?? "";
  switch (character) {
    case "(":
      return group(reader, place);
    case "[":
      return set(reader, place);
    case "\\":
      return escaped(reader, place);
    case ".":
      return { kind: "one", fits: (it) => it !== "\n" };
    case "^":
      return { kind: "assert", what: "start" };
    case "$":
      return { kind: "assert", what: "end" };
    case "*":
    case "+":
    case "?":
      return { wrong: `"${character}" at ${place} repeats nothing` };
    default:
      return { kind: "one", fits: same(character) };
  }
}

function group(reader: Reader, place: number): Part | { wrong: string } {
  if (++reader.depth > MOST_DEPTH) return { wrong: `more than ${MOST_DEPTH} groups in each other` };
  if (reader.source[reader.at] === "?") {
    if (reader.source[reader.at + 1] !== ":")
      return { wrong: `look-around and names ("(?" at ${place}) are not understood` };
    reader.at += 2;
  }
  const inside = either(reader);
  if ("wrong" in inside) return inside;
  if (reader.source[reader.at++] !== ")") return { wrong: `"(" at ${place} is never closed` };
  reader.depth--;
  return inside;
}

function set(reader: Reader, place: number): Part | { wrong: string } {
  const from = reader.at;
  for (let at = from; at < reader.source.length; at++) {
    if (reader.source[at] === "\\") at++;
    else if (reader.source[at] === "]" && at > from) {
      reader.at = at + 1;
      const text = reader.source.slice(from, at).join("");
      try {
        const one = new RegExp(`^[${text}]$`, "iu");
        return { kind: "one", fits: (it) => one.test(it) };
      } catch {
        return { wrong: `"[${text}]" at ${place} is no set of characters` };
      }
    }
  }
  return { wrong: `"[" at ${place} is never closed` };
}

function escaped(reader: Reader, place: number): Part | { wrong: string } {
  const letter = reader.source[reader.at++];
  if (letter === undefined) return { wrong: `"\\" at ${place} escapes nothing` };
  if (letter === "b") return { kind: "assert", what: "edge" };
  if (letter === "n") return { kind: "one", fits: (it) => it === "\n" };
  if (letter === "t") return { kind: "one", fits: (it) => it === "\t" };
  if ("dwsDWS".includes(letter)) {
    const one = letter === "w" ? /[\p{L}\p{N}_]/u : letter === "W" ? /[^\p{L}\p{N}_]/u : new RegExp(`\\${letter}`, "u");
    return { kind: "one", fits: (it) => one.test(it) };
  }
  if (/[\p{L}\p{N}]/u.test(letter)) return { wrong: `"\\${letter}" at ${place} is not understood` };
  return { kind: "one", fits: same(letter) };
}

function same(character: string): (it: string) => boolean {
  const wanted = character.toLowerCase();
  return (it) => it.toLowerCase() === wanted;
}

/** Adds the steps of `part` that lead to `next`, and answers with the first. */
function build(part: Part, next: number, steps: Step[]): number {
  switch (part.kind) {
    case "one":
      return steps.push({ kind: "one", fits: part.fits, next }) - 1;
    case "assert":
      return steps.push({ kind: "assert", what: part.what, next }) - 1;
    case "sequence":
      return part.parts.reduceRight((after, it) => build(it, after, steps), next);
    case "either":
      return part.parts
        .map((it) => build(it, next, steps))
        .reduce((other, first) => steps.push({ kind: "fork", next: first, other }) - 1);
    case "repeat": {
      if (part.how === "?") return steps.push({ kind: "fork", next: build(part.part, next, steps), other: next }) - 1;
      const fork: Step = { kind: "fork", next: 0, other: next };
      const at = steps.push(fork) - 1;
      fork.next = build(part.part, at, steps);
      return part.how === "*" ? at : fork.next;
    }
  }
}

/** Every state at every character once: `text.length * steps.length` at most. */
function run(steps: readonly Step[], start: number, text: readonly string[]): boolean {
  let now = new Set<number>();
  for (let at = 0; at <= text.length; at++) {
    follow(steps, start, { now, text, at });
    if (now.has(0)) return true;
    const after = new Set<number>();
    for (const index of now) {
      const step = steps[index];
      const character = text[at];
      if (step?.kind === "one" && character !== undefined && step.fits(character))
        follow(steps, step.next, { now: after, text, at: at + 1 });
    }
    now = after;
  }
  return now.has(0);
}

interface Moment {
  readonly now: Set<number>;
  readonly text: readonly string[];
  readonly at: number;
}

/** Adds what is reached from `first` without reading a character. */
function follow(steps: readonly Step[], first: number, { now, text, at }: Moment): void {
  const waiting = [first];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    if (now.has(index)) continue;
    now.add(index);
    const step = steps[index];
    if (step?.kind === "fork") waiting.push(step.next, step.other);
    if (step?.kind === "assert" && holds(step.what, text, at)) waiting.push(step.next);
  }
}

function holds(what: Assertion, text: readonly string[], at: number): boolean {
  if (what === "start") return at === 0;
  if (what === "end") return at === text.length;
  const isWord = (it: string | undefined) => it !== undefined && /[\p{L}\p{N}_]/u.test(it);
  return isWord(text[at - 1]) !== isWord(text[at]);
}
