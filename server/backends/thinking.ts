const OPEN = "<think>";
const CLOSE = "</think>";

/** Keeps a reasoning model's thoughts out of its answer. */
export interface ThinkingFilter {
  /** The part of the answer that is certain by now. */
  add(text: string): string;
  /** The server tells thoughts from the answer itself: what comes as text is the answer. */
  servedApart(): void;
  /** What was held back because it could have become a tag, or turned out to be the answer. */
  end(): string;
}

/**
 * How an answer begins. `answer`: with itself, or with a tag. `perhaps thoughts`: it may be thoughts that the chat template has begun, so
 * that only their end is told: nothing is certain before that.
 */
export type Beginning = "answer" | "perhaps thoughts";

/** Names of models whose templates begin their thoughts for them: DeepSeek-R1 and what was distilled from it, QwQ, Qwen3-…-Thinking, Magistral. */
const THINKS_ALOUD = /(?<![a-z0-9])(r1|qwq|thinking|reasoner|reasoning|magistral)(?![a-z])/i;
/** Thoughts longer than this are given up on: it is an answer after all. */
const MOST_HELD = 200_000;

export function beginningOf(modelName: string): Beginning {
  return THINKS_ALOUD.test(modelName) ? "perhaps thoughts" : "answer";
}

/**
 * Drops one `<think>…</think>` block at the start of an answer, and the white space around it. Later ones stay: the text may be
 * code about such tags.
 */
export function createThinkingFilter(beginning: Beginning = "answer"): ThinkingFilter {
  let state: "start" | "unsure" | "thinking" | "after" | "answer" = "start";
  let held = "";

  function begin(): void {
    const opening = held.trimStart();
    if (opening.startsWith(OPEN)) {
      state = "thinking";
      held = opening.slice(OPEN.length);
    } else if (opening.startsWith(CLOSE)) {
      state = "after";
      held = opening.slice(CLOSE.length);
    } else if (!OPEN.startsWith(opening) && !CLOSE.startsWith(opening))
      state = beginning === "answer" ? "answer" : "unsure";
  }

  function advance(): string {
    if (state === "start") begin();
    if (state === "start") return "";
    if (state === "thinking" || state === "unsure") {
      const close = held.indexOf(CLOSE);
      if (close >= 0) {
        held = held.slice(close + CLOSE.length);
        state = "after";
      } else if (state === "thinking") {
        // Enough to see a tag that comes in two pieces; thoughts can be long.
        held = held.slice(-CLOSE.length);
        return "";
      } else if (held.length <= MOST_HELD) return "";
      else state = "answer";
    }
    if (state === "after") {
      held = held.trimStart();
      if (held === "") return "";
      state = "answer";
    }
    const text = held;
    held = "";
    return text;
  }
  return {
    add(text) {
      held += text;
      return advance();
    },
    servedApart() {
      if (state === "start" || state === "unsure") state = "answer";
    },
    end() {
      const rest = state === "thinking" || state === "after" ? "" : held;
      held = "";
      return rest;
    },
  };
}
