const OPEN = "<think>";
const CLOSE = "</think>";

/** Keeps a reasoning model's thoughts out of its answer. */
export interface ThinkingFilter {
  /** The part of the answer that is certain by now. */
  add(text: string): string;
  /** What was held back because it could have become a tag. */
  end(): string;
}

/**
 * Drops one `<think>…</think>` block at the start of an answer, and the white space around it. Later ones stay: the text may be
 * code about such tags.
 */
export function createThinkingFilter(): ThinkingFilter {
  let state: "start" | "thinking" | "after" | "answer" = "start";
  let held = "";
  function advance(): string {
    if (state === "start") {
      const opening = held.trimStart();
      if (opening.startsWith(OPEN)) {
        state = "thinking";
        held = opening.slice(OPEN.length);
      } else if (OPEN.startsWith(opening)) return "";
      else state = "answer";
    }
    if (state === "thinking") {
      const close = held.indexOf(CLOSE);
      if (close < 0) {
        // Enough to see a tag that comes in two pieces; thoughts can be long.
        held = held.slice(-CLOSE.length);
        return "";
      }
      held = held.slice(close + CLOSE.length);
      state = "after";
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
    end() {
      const rest = state === "start" ? held : "";
      held = "";
      return rest;
    },
  };
}
