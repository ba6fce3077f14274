import { chance } from "./evalModel.ts";
import type { FakeOptions } from "./openaiServer.ts";

/** How often it errs besides what its rules miss, from 0 to 1; on which lines is fixed by their text. */
export interface Errors {
  readonly misses: number;
  readonly falseAlarms: number;
}

type Asked = Parameters<FakeOptions["reply"]>[0];

interface Line {
  readonly number: number;
  readonly text: string;
}

/** What it is shown: all lines so far, those it is to judge, and whether they are all there is. */
interface View {
  readonly all: readonly Line[];
  readonly newest: readonly Line[];
  readonly isAll: boolean;
}

/** The first line that a rule dislikes; null: none. */
type Rule = (view: View) => { readonly line: Line; readonly why: string } | null;

/**
 * An auditor that judges by rules, as linters do, and knows nothing but its prompt: what a later part would show it cannot know yet, and
 * what an earlier one showed it has. It knows some APIs, and takes what it does not know for wrong.
 */
export function ruleAuditor({ misses, falseAlarms }: Errors): (it: Asked) => string {
  return ({ body }) => {
    const messages = (body.messages ?? []).filter((it) => it.role === "user").map((it) => it.content ?? "");
    const newest = messages.at(-1) ?? "";
    const isFinal = /^That was the whole draft/m.test(newest);
    const all = messages.flatMap(linesIn);
    const view = {
      all,
      newest: isFinal ? all : linesIn(newest),
      isAll: isFinal || /This is the whole draft/.test(newest),
    };
    for (const rule of RULES) {
      const found = rule(view);
      if (found && chance(found.line.text, found.why, "miss") >= misses) return flag(found.line, found.why);
    }
    const alarmed = view.newest.find((it) => chance(it.text, "alarm") < falseAlarms);
    return alarmed ? flag(alarmed, "this looks doubtful to me") : '{"ok":true}';
  };
}

function flag({ number }: Line, why: string): string {
  return JSON.stringify({ ok: false, line: number, severity: "error", why });
}

function linesIn(message: string): Line[] {
  return [...message.matchAll(/^(\d+)\| ?(.*)$/gm)].map((it) => ({ number: Number(it[1]), text: it[2] ?? "" }));
}

/** A line of the newest ones that matches, whatever stands elsewhere. */
function inLine(pattern: RegExp, why: string): Rule {
  return ({ newest }) => {
    const line = newest.find((it) => pattern.test(it.text));
    return line ? { line, why } : null;
  };
}

const OFF_BY_ONE: readonly Rule[] = [
  inLine(/<=\s*[\w.]+\.(length|len\(\))/, "the last index is beyond the end"),
  inLine(/range\([^()]*, 1, -1\)|range\(1, len\(/, "the range leaves one out"),
  inLine(/\bin 1\.\.[a-z]/, "an open range leaves the last one out"),
  inLine(/len\(\) - 1\];/, "there is room for one fewer"),
];

const SYNTAX: readonly Rule[] = [
  ({ newest }) => {
    const line = newest.find(
      ({ text }) => /;\s*$/.test(text) && count(text, "(") > count(text, ")") && !/^\s*for\b/.test(text),
    );
    return line ? { line, why: "a parenthesis is not closed" } : null;
  },
  inLine(/^\s*(if|elif|for|while|with|def|class) [^({:;][^{:;]*[^{:;,(\\]$/, "a colon is missing"),
  // Whether brackets are closed shows at the end only.
  ({ all, isAll }) => {
    const text = all.map((it) => it.text).join("\n");
    const last = all.at(-1);
    const isOpen = ["()", "[]", "{}"].some(([open = "", close = ""]) => count(text, open) !== count(text, close));
    return isAll && isOpen && last ? { line: last, why: "brackets do not match" } : null;
  },
  ({ newest }) => {
    const line = newest.find(({ text }) => count(text, "`") % 2 === 1);
    return line ? { line, why: "a string is not closed" } : null;
  },
];

const KNOWN_APIS =
  /^(abs|add_done_callback|add|any|append|appendFile|as_str|body|call|cancel|catch|chars|clear|clone|close|collect|contains|copied|count|create_subprocess_shell|create_task|cursor|destroy|ensure_future|entries|entry|enumerate|execute|exists|extend|fetchall|fetchone|filter|find|finish|flush|fmt|from|from_millis|from_secs|gather|get|get_mut|insert|into_error|into_inner|into_iter|is_alphanumeric|is_empty|isArray|isInteger|iter|join|json|keys|len|lines|map|map_err|max|metadata|min|mkdir|next|now|ok|open|or_default|parse|pop|push|read|remove|rename|resolve|retain|round|rstrip|slice|sort|split|splice|startswith|strip|sum|sync_all|test|then|timeout|to_lowercase|to_string|unwrap|unwrap_or|values|wait|with_capacity|with_extension|write|catch|connect|all|Semaphore)$/;

const WRONG_API: Rule = ({ all, newest }) => {
  const declarations = all.flatMap((it) => [...it.text.matchAll(/\b(?:fn|def|async|function) #?(\w+)\s*[(<]/g)]);
  const declared = new Set(declarations.map((it) => it[1]));
  for (const line of newest)
    for (const [, name = ""] of line.text.matchAll(/\.(\w+)\(/g))
      if (!KNOWN_APIS.test(name) && !declared.has(name)) return { line, why: `there is no ${name}` };
  return null;
};

const MISSING_AWAIT: Rule = ({ all, newest }) => {
  const asynchronous = all.flatMap((it) =>
    [...it.text.matchAll(/async (?:function|fn|def) (\w+)/g)].map((m) => m[1] ?? ""),
  );
  const names = [...new Set([...asynchronous, "json"])].filter((it) => it !== "worker");
  for (const line of newest)
    for (const name of names) {
      const isCalled = new RegExp(`(?<![\\w.])(?:\\w+\\.)?${name}\\(`).test(line.text);
      const isDeclared = /\b(function|fn|def)\b|=>|push\(|create_task|gather/.test(line.text);
      if (isCalled && !isDeclared && !/await/.test(line.text)) return { line, why: `nobody waits for ${name}` };
    }
  return null;
};

const UNCLOSED: Rule = ({ all, isAll }) => {
  const text = all.map((it) => it.text).join("\n");
  const opened = all.find((it) =>
    /=\s*(await )?(open|createReadStream)\(|BufWriter::new|= self\._db\.cursor\(\)/.test(it.text),
  );
  const isClosed = /\.close\(\)|\.destroy\(\)|\.flush\(\)/.test(text.replace(/self\._db\.close\(\)/g, ""));
  return isAll && opened && !isClosed ? { line: opened, why: "it is never closed" } : null;
};

const UNUSED: Rule = ({ all, isAll }) => {
  if (!isAll) return null;
  const text = all.map((it) => it.text).join("\n");
  for (const line of all) {
    const name = /^\s+(?:const|let(?: mut)?)? ?(\w+)(?:: [\w&<>[\]]+)? = /.exec(line.text)?.[1];
    if (name && count(text.replace(/[^\w]+/g, " "), ` ${name} `) === 1) return { line, why: `${name} is never used` };
  }
  return null;
};

const RULES: readonly Rule[] = [...SYNTAX, ...OFF_BY_ONE, WRONG_API, MISSING_AWAIT, UNCLOSED, UNUSED];

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
