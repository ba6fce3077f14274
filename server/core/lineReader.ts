/** Reads one whole line (without its break): what to keep of it, or null to drop it; `isLast` ends the draft. */
export interface LineReader {
  read(line: string): { readonly keep: string | null; readonly isLast: boolean };
  /** Whether a kept line says nothing; such lines are left out at the draft's ends. */
  isBlank(kept: string): boolean;
  /** What ends a draft of several lines. */
  readonly afterLines: string;
  /** Left out when the draft ends with it; "" for nothing. */
  readonly without: string;
}

export const NOTHING_MORE = { afterLines: "", without: "" } as const;

export function isBlank(kept: string): boolean {
  return kept.trim() === "";
}

/** An extractor of whole lines; blank ones are left out at the ends of the draft. */
export function byLine(reader: LineReader) {
  let rest = "";
  let isComplete = false;
  let lines = 0;
  let blanks: string[] = [];
  let heldBack = "";

  /** Blank lines are held back until something follows, so that a draft has none at its end. */
  function take(line: string): string {
    const { keep, isLast } = reader.read(line);
    isComplete = isLast;
    if (keep === null) return "";
    if (reader.isBlank(keep)) {
      if (lines > 0) blanks.push(keep.trimEnd());
      return "";
    }
    const kept = keep.trimEnd();
    const held = reader.without !== "" && kept.endsWith(reader.without) ? reader.without : "";
    const before = [heldBack, ...blanks.map((it) => `\n${it}`), lines === 0 ? "" : "\n"].join("");
    lines += blanks.length + 1;
    blanks = [];
    heldBack = held;
    return before + kept.slice(0, kept.length - held.length);
  }

  const end = () => (lines > 1 ? reader.afterLines : "");
  return {
    push(raw: string): string {
      if (isComplete) return "";
      const all = (rest + raw.replaceAll("\r", "")).split("\n");
      rest = all.pop() ?? "";
      let out = "";
      for (const line of all) if (!isComplete) out += take(line);
      return isComplete ? out + end() : out;
    },
    finish(): string {
      if (isComplete) return "";
      const out = rest === "" ? "" : take(rest);
      isComplete = true;
      return out + end();
    },
    get isComplete(): boolean {
      return isComplete;
    },
  };
}
