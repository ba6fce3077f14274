const OPEN = "<think>";
const CLOSE = "</think>";

/** Drops `<think>…</think>`, whole or split over pieces; a reasoning model's thoughts are never an answer. */
export function createThinkingFilter(): { push(text: string): string; finish(): string } {
  let isThinking = false;
  let held = "";
  return {
    push(text) {
      held += text;
      let out = "";
      for (;;) {
        const tag = isThinking ? CLOSE : OPEN;
        const at = held.indexOf(tag);
        if (at === -1) {
          const keep = partialTag(held, tag);
          if (!isThinking) out += held.slice(0, held.length - keep);
          held = held.slice(held.length - keep);
          return out;
        }
        if (!isThinking) out += held.slice(0, at);
        held = held.slice(at + tag.length);
        isThinking = !isThinking;
      }
    },
    finish() {
      const out = isThinking ? "" : held;
      held = "";
      return out;
    },
  };
}

/** Length of the longest end of `text` that may be the beginning of `tag`. */
function partialTag(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (tag.startsWith(text.slice(-length))) return length;
  return 0;
}
