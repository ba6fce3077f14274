import type { Action } from "../protocol/run.ts";

/** Words that point to an action, and how strongly. */
export type Cue = readonly [action: Action, weight: number, words: RegExp];

/** What the actions are called, and the words people use for the same; weights were set by hand, not fitted. */
const ENGLISH: readonly Cue[] = [
  ["docstring", 5, /\b(doc ?strings?|js ?docs?|javadocs?|tsdocs?|xml ?docs?|rustdocs?|documentation|docs?)\b/g],
  ["docstring", 4, /\b(document|comments?)\b/g],
  ["docstring", 3, /\b(describe)\b/g],
  ["explain", 4, /\b(explain|explanation|walk me through|understand|clarify|summari[sz]e)\b/g],
  ["explain", 3, /\b(what|why|how)( does| do| is| are|'s| will| would| mean)\b/g],
  ["explain", 2, /^(what|why)\b/g],
  ["explain", 2, /\b(meaning|means?)\b/g],
  ["test", 5, /\b(unit ?tests?|tests?|test ?cases?|specs?|vitest|jest|pytest|xunit|junit|mocha|coverage|mock)\b/g],
  [
    "fix",
    4,
    /\b(fix(es|ed|ing)?|bug(s|gy)?|debug|repair|broken|crash(es|ing)?|errors?|exceptions?|typos?|solve|correct|wrong)\b/g,
  ],
  ["fix", 2, /\b(issues?|fail(s|ing|ed)?|does ?n[o']t work|not working|problem)\b/g],
  [
    "refactor",
    4,
    /\b(refactor(ing)?|rename|lint|simplif(y|ied)|clean ?up|extract|inline|restructure|re-?write|re-?format|optimi[sz]e|moderni[sz]e|tidy)\b/g,
  ],
  [
    "refactor",
    3,
    /\b(change|convert|replace|make|move|modify|edit|turn|set|split|merge|remove|delete|instead|more efficient|faster|only)\b/g,
  ],
  ["implement", 4, /\b(implement(ation|ing)?|create|build|scaffold|continue|complete|finish)\b/g],
  ["implement", 3, /\b(write|add|new|generate|make a|code (to|for)|plot|call|embed|develop|insert)\b/g],
  ["implement", 1, /\b(function|class|method|variable|array|component|endpoint|readme|script|dataframe)\b/g],
  ["ask", 4, /^(is|are|can i|could i|should|does|do|which|where|when|who|translate)\b/g],
  ["ask", 3, /\b(design|architect(ure)?|plan|recommend|best way|version|alternatives?|compare|difference)\b/g],
];

/** The same in German, French, Spanish and Chinese: stems, because these languages bend them, and only where a word starts. */
const OTHERS: readonly Cue[] = [
  ["docstring", 5, stems("dokumentier|kommentier|documente|documenta(?!tion)|commente[rz]?\\b|comenta|文档|注释")],
  [
    "explain",
    4,
    stems("erklär|explique|explica|解释|说明|was (macht|tut|bedeutet)|wie funktioniert|que fait|qué hace"),
  ],
  [
    "refactor",
    4,
    stems("vereinfach|umbenenn|benenne|aufräum|optimier|simplifi[eé]|simplifica|renomme|renombra|réécri"),
  ],
  ["refactor", 4, stems("refaktor|refactoris|重构|重命名|简化|优化")],
  ["fix", 4, stems("beheb|reparier|korrigier|fehler|corrige|répar|repara|arregl|修复|修正|错误")],
  ["test", 5, stems("prueba|测试")],
  ["implement", 4, stems("implementier|implémente|implementa(?!tion)|实现")],
  ["implement", 3, stems("schreib|erstell|füge|ergänz|écri[st]|crée|ajoute|escrib|añad|agrega|编写|创建|添加")],
];

export const CUES: readonly Cue[] = [...ENGLISH, ...OTHERS];

function stems(alternatives: string): RegExp {
  return new RegExp(`(?<![a-zà-ÿ])(${alternatives})`, "g");
}

/** Long enough that a word one letter away is a slip of the fingers and no other word. */
const MENDED = ["implement", "refactor", "explain", "document", "docstring", "simplify", "generate"];
const LEAST_LETTERS = 6;

/** The text with the words that matter most spelled right: "implment", "expalin", "refacter". */
export function mended(text: string): string {
  return text.replace(/[a-z]+/g, (word) =>
    word.length < LEAST_LETTERS ? word : (MENDED.find((it) => it !== word && isOneSlip(word, it)) ?? word),
  );
}

/** One letter left out, put in, exchanged, or two neighbours swapped. */
function isOneSlip(word: string, meant: string): boolean {
  let from = 0;
  while (from < word.length && word[from] === meant[from]) from++;
  const rest = (text: string, at: number) => text.slice(at);
  const isSwapped =
    word[from] === meant[from + 1] && word[from + 1] === meant[from] && rest(word, from + 2) === rest(meant, from + 2);
  return (
    isSwapped ||
    rest(word, from + 1) === rest(meant, from + 1) ||
    rest(word, from + 1) === rest(meant, from) ||
    rest(word, from) === rest(meant, from + 1)
  );
}
