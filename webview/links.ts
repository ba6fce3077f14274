/** A piece of text, or a mention of source lines in it. Lines are one-based, `endLine` inclusive. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "lines";
      readonly text: string;
      readonly path: string | null;
      readonly line: number;
      readonly endLine: number;
    };

const RANGE = String.raw`(\d{1,6})(?:\s*(?:-|–|to)\s*L?(\d{1,6}))?`;
/** `src/a.ts:12`, `a.ts:12-20`: a path needs an extension, so that "16:30" and "http://host:80" are no paths. */
const PATH = String.raw`(?<![\w/.:@-])((?:\.{0,2}/)?(?:[\w@.-]+/)*[\w@-][\w@.-]*\.[A-Za-z]\w{0,7}):(\d{1,6})(?:-(\d{1,6}))?(?![\w/])`;
const MENTION = new RegExp(
  [
    PATH,
    String.raw`\[L${RANGE}\]`,
    String.raw`\bL(\d{1,6})(?:\s*[-–]\s*L?(\d{1,6}))?\b`,
    String.raw`\blines?\s+${RANGE}(?!\w|\.\d|[-–]\d)`,
  ].join("|"),
  "gi",
);

/** Finds `path:12`, `line 12`, `lines 12-20`, `[L12]` and `L12-L20`. The parts' texts together are the text. */
export function splitAtLines(text: string): readonly Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(MENTION)) {
    const [whole, path] = match;
    const numbers = match
      .slice(2)
      .filter((it) => it !== undefined)
      .map(Number);
    const line = numbers[0] ?? 0;
    if (line < 1) continue;
    if (match.index > at) parts.push({ kind: "text", text: text.slice(at, match.index) });
    parts.push({ kind: "lines", text: whole, path: path ?? null, line, endLine: Math.max(line, numbers[1] ?? line) });
    at = match.index + whole.length;
  }
  if (at < text.length) parts.push({ kind: "text", text: text.slice(at) });
  return parts;
}
