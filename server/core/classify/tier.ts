import type { Action, Tier } from "../../protocol/run.ts";

/** What the tier is read from besides the action: the code the task is about, and how it is asked for. */
export interface Weight {
  readonly instruction: string;
  /** Lines of code the task is about; 0 when there is none. */
  readonly lines: number;
  /** How deep its deepest line is nested, in steps of indentation from its outermost line. */
  readonly nesting: number;
  /** Declarations in it. */
  readonly symbols: number;
  readonly errorCount: number;
}

export interface Weighed {
  readonly tier: Tier;
  /** Why it is not what the action alone would be, as a clause; null when it is. */
  readonly why: string | null;
}

/** Row 4.1 of the first design: what a small model does alone, what needs the large one, what needs both. */
const BASE: Readonly<Record<Action, Tier>> = {
  docstring: "simple",
  explain: "simple",
  ask: "simple",
  refactor: "moderate",
  fix: "moderate",
  test: "moderate",
  implement: "complex",
};

/** From here on even a small job needs the larger model: about what a 1.5B model holds together. */
const LARGE_LINES = 150;
/** A loop in a condition in a callback in a method in a class is five: from here on readers lose track, and small models do. */
const DEEP_NESTING = 6;
/** More declarations than a screen shows at once. */
const MANY_SYMBOLS = 12;
/** An error or two are a slip; these are a change that went wrong. */
const MANY_ERRORS = 6;
/** A change of one action that touches this many named files has to keep them in step. */
const MANY_FILES = 2;

const FILE_NAME =
  /(?<![\w/.-])[\w/-]+\.(?:[cm]?[jt]sx?|py|go|rs|java|kt|cs|cpp|cc|hpp?|c|rb|php|swift|sql|sh|ps1|vue|css|html|json|ya?ml|md)\b/g;

/** How heavy a task is: its action, raised by each thing about the code that is more than usual. Pure. */
export function weigh(action: Action, weight: Weight): Weighed {
  const text = weight.instruction.slice(0, 1_500).toLowerCase();
  const burdens = burdensOf(weight);
  if (action === "ask" && /\b(design|architect\w*|plan|strategy|structure)\b/.test(text))
    return { tier: "moderate", why: "a plan needs the larger model" };
  const base = BASE[action];
  if (action === "refactor" && /\b(rename|lint|umbenenn\w*|renomm\w*|renombra\w*)\b/.test(text))
    return burdens.length === 0
      ? { tier: "simple", why: "a rename or lint is small" }
      : { tier: "moderate", why: said(burdens) };
  if (burdens.length === 0 || base === "complex") return { tier: base, why: null };
  if (base === "simple") return { tier: "moderate", why: `${said(burdens)}: too much for the small model` };
  // One thing alone is what the larger model is for; two together deserve an audit.
  if (burdens.length === 1) return { tier: "moderate", why: null };
  return { tier: "complex", why: `${said(burdens)}: worth an audit` };
}

function burdensOf({ instruction, lines, nesting, symbols, errorCount }: Weight): string[] {
  const files = new Set(instruction.slice(0, 1_500).match(FILE_NAME) ?? []).size;
  return [
    ...(lines > LARGE_LINES ? [`${lines} lines`] : []),
    ...(nesting >= DEEP_NESTING ? [`nested ${nesting} deep`] : []),
    ...(symbols >= MANY_SYMBOLS ? [`${symbols} declarations`] : []),
    ...(errorCount >= MANY_ERRORS ? [`${errorCount} errors`] : []),
    ...(files >= MANY_FILES ? [`${files} files`] : []),
  ];
}

function said(burdens: readonly string[]): string {
  return burdens.join(", ");
}

/** Lines that are looked at for how deep they are nested. */
const MOST_LINES = 2_000;

/** What `weigh` asks of a piece of code that stands alone. Pure, and bounded by the first two thousand lines. */
export function shapeOf(code: string): { lines: number; nesting: number } {
  const all = code.split("\n");
  const lines = all.filter((it) => it.trim() !== "");
  const indents = lines.slice(0, MOST_LINES).map((it) => columns(it.match(/^[ \t]*/)?.[0] ?? ""));
  const least = Math.min(...indents, Number.MAX_SAFE_INTEGER);
  const steps = indents.slice(1).map((it, index) => it - (indents[index] ?? 0));
  const step = Math.max(2, Math.min(...steps.filter((it) => it > 1), 8));
  const deepest = Math.max(...indents, 0);
  return { lines: lines.length, nesting: lines.length === 0 ? 0 : Math.round((deepest - least) / step) };
}

function columns(indent: string): number {
  return [...indent].reduce((sum, it) => sum + (it === "\t" ? 4 : 1), 0);
}
