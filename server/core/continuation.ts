import type { ChatMessage } from "../ports.ts";

/** Repeated characters, white space left out, that are no coincidence: shorter ones (`});`, `return`) begin many a right continuation. */
const MIN_OVERLAP = 8;
/** The end of a word that is written whole once more ("resu", then "result") is told by less. */
const MIN_WORD = 3;
/** As many characters of the very beginning, and the answer was begun anew. */
const MIN_ANEW = 40;
/** By so many characters its end is found again in an answer that was begun anew with other words in between. */
const ANCHOR = 24;
/** What is shown of an answer's end, so that it is repeated: whole lines, with so much in them that they are found again. */
const SHOWN_LEAST = 16;
const SHOWN_MOST = 400;
/** "Here is the rest:", before a fence. */
const MAX_PREAMBLE = 200;

/** A chat in which the model is told to go on, for servers that cannot put what is there into the model's own turn. */
export function askedToContinue(messages: readonly ChatMessage[], before: string): readonly ChatMessage[] {
  const shown = lastLines(before);
  const ask = [
    "Your answer broke off. Go on exactly where it ends.",
    "Begin by repeating its end, which stands between the marks, and write on from there:",
    `<<<${shown}>>>`,
    "Write neither the marks nor anything that comes before that end, no comment of yours and no new code fence.",
  ].join("\n");
  return [...messages, { role: "assistant", content: before }, { role: "user", content: ask }];
}

/** The shortest end that begins with a line and can be told from others; a long line's end. */
function lastLines(before: string): string {
  const from = before.slice(-SHOWN_MOST);
  for (let at = from.lastIndexOf("\n"); at > 0; at = from.lastIndexOf("\n", at - 1)) {
    const lines = from.slice(at + 1);
    if (withoutSpace(lines).length >= SHOWN_LEAST) return lines;
  }
  return from;
}

/** Finds out, as text comes, from where on it is new. */
export interface Continuation {
  /** What is new for certain by now. */
  add(text: string): string;
  /** What was held back and is new; null: the answer was begun anew and is another one, so that it continues nothing. */
  end(): string | null;
}

/**
 * What a model writes that was told to go on after `before`: its end, all of it or nothing may be repeated, with other white space, in a
 * code fence and with a word or two in front. Holds text back only as long as it could be such a repetition.
 */
export function createContinuation(before: string): Continuation {
  const [known, shown] = [before, lastLines(before)].map(withoutSpace) as [string, string];
  const hasOpenFence = (before.match(/^\s*```/gm)?.length ?? 0) % 2 === 1;
  let held = "";
  let state: "deciding" | "anew" | "new" = "deciding";
  let fence: FenceEnd | null = null;

  function settle(text: string, isFenced: boolean): string {
    state = "new";
    held = "";
    if (isFenced && !hasOpenFence) fence = createFenceEnd();
    return fence === null ? text : fence.add(text);
  }

  /** Null: it cannot be told yet. */
  function decide(isEnd: boolean): string | null {
    const opening = openingOf(held);
    if (opening.isOpen && !isEnd) return null;
    const body = held.slice(opening.length);
    const said = withoutSpace(body);
    // As long as it could stand in `before`, it may be its end.
    if (!isEnd && known.includes(said)) return null;
    // Who begins with what he was shown repeats that: the same lines once more are new.
    const overlap = shown !== "" && said.startsWith(shown) ? shown.length : overlapOf(known, said);
    if (isRepetition(before, { overlap, known, said }))
      return settle(afterSpace(body.slice(indexAfter(body, overlap)), before), opening.length > 0);
    if (commonStart(known, said) >= Math.min(MIN_ANEW, known.length)) {
      state = "anew";
      return realign(isEnd);
    }
    return settle(opening.length > 0 ? body : held, opening.length > 0);
  }

  function realign(isEnd: boolean): string | null {
    const body = held.slice(openingOf(held).length);
    const said = withoutSpace(body);
    const anchor = known.slice(-ANCHOR);
    const at = said.indexOf(anchor, MIN_ANEW - ANCHOR);
    if (at < 0) return null;
    const rest = body.slice(indexAfter(body, at + anchor.length));
    // White space after it may still come.
    if (!isEnd && rest.trim() === "") return null;
    return settle(afterSpace(rest, before), openingOf(held).length > 0);
  }

  return {
    add(text) {
      if (state === "new") return fence === null ? text : fence.add(text);
      held += text;
      return (state === "deciding" ? decide(false) : realign(false)) ?? "";
    },
    end() {
      if (state === "new") return fence?.end() ?? "";
      const rest = state === "deciding" ? decide(true) : realign(true);
      return rest === null ? null : rest + (fence?.end() ?? "");
    },
  };
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, "");
}

/** The beginning of a sentence; or one that ends with a colon, and what of a fence is there after it. */
const PREAMBLE = /^[A-Z][^\n`{}()<>;=]*(:[ \t]*\n\s*(`{1,2}|```[^\n`]*)?)?$/;

/** Words before a fence, and the fence; or nothing. `isOpen`: it may be one once there is more of it. */
function openingOf(text: string): { readonly length: number; readonly isOpen: boolean } {
  const found = /^(?:[^\n`]{0,200}:?[ \t]*\n\s*|\s*)```[^\n`]*\n/.exec(text);
  if (found && isOpening(found[0])) return { length: found[0].length, isOpen: false };
  const start = text.trimStart();
  const isFence = /^`{1,2}$|^```[^\n`]*$/.test(start);
  const isPreamble = text.length <= MAX_PREAMBLE && PREAMBLE.test(start);
  return { length: 0, isOpen: start === "" || isFence || isPreamble };
}

function isOpening(found: string): boolean {
  const words = found.slice(0, found.indexOf("```")).trim();
  return words === "" || (words.endsWith(":") && words.length <= MAX_PREAMBLE);
}

/** The longest beginning of `said` with which `known` ends (the prefix function of Knuth, Morris and Pratt, over the seam). */
function overlapOf(known: string, said: string): number {
  const longest = Math.min(known.length, said.length);
  const text = `${said.slice(0, longest)}\n${known.slice(known.length - longest)}`;
  const borders = new Int32Array(text.length);
  for (let at = 1; at < text.length; at++) {
    let border = borders[at - 1] ?? 0;
    while (border > 0 && text[at] !== text[border]) border = borders[border - 1] ?? 0;
    borders[at] = text[at] === text[border] ? border + 1 : border;
  }
  return longest === 0 ? 0 : (borders.at(-1) ?? 0);
}

function isRepetition(
  before: string,
  { overlap, known, said }: { readonly overlap: number; readonly known: string; readonly said: string },
): boolean {
  if (overlap === 0) return false;
  if (overlap >= Math.min(MIN_OVERLAP, known.length)) return true;
  // A word that was cut in two, and is written from its beginning.
  const word = /\w+$/.exec(before)?.[0] ?? "";
  return word.length >= MIN_WORD && overlap === word.length && /\w/.test(said[overlap] ?? "");
}

function commonStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

/** Where in `text` that many characters, white space not counted, have passed. */
function indexAfter(text: string, count: number): number {
  let at = 0;
  for (let seen = 0; seen < count; at++) if (!/\s/.test(text[at] ?? "")) seen++;
  return at;
}

/** White space that stands at the end of `before` already is not said twice. */
function afterSpace(rest: string, before: string): string {
  const there = /\s*$/.exec(before)?.[0] ?? "";
  if (there === "" || rest.startsWith(there)) return rest.slice(there.length);
  return rest.trimStart();
}

interface FenceEnd {
  add(text: string): string;
  end(): string;
}

/** Leaves out the end of a fence that only the continuation has. */
function createFenceEnd(): FenceEnd {
  let held = "";
  return {
    add(text) {
      held += text;
      const sure = held.search(/\s*(?:\n`{0,3})?\s*$/);
      const given = held.slice(0, sure);
      held = held.slice(sure);
      return given;
    },
    end() {
      const rest = /^\s*\n```\s*$/.test(held) ? "" : held;
      held = "";
      return rest;
    },
  };
}
