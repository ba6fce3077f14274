import type { Declaration, Outline } from "../ports.ts";
import {
  beginsWithImport,
  importedModules,
  importedNames,
  importLines,
  importsByPath,
  isSameModule,
  relativeImports,
} from "./imports.ts";
import { counterpart, isMentioned, type Judged } from "./judged.ts";
import { modifiersOf } from "./modifiers.ts";
import { targetRange } from "./target.ts";
import { compare, contains, splice } from "./text.ts";

/** Names that an objection lists at most. */
const MOST_NAMES = 3;

/**
 * What can be said of a draft without a parser, as a model and a user can be told; null when there is nothing. It tells
 * more than the syntax errors that such a draft causes, so it comes first.
 */
export function misfit(judged: Judged): string | null {
  const { task, place } = judged;
  if (task.action === "docstring") return null;
  const leftOut = elision(judged);
  if (leftOut) return `the draft leaves code out ("${leftOut}"): all of it was asked for`;
  return place.uri === task.document?.uri ? (rewrapped(judged) ?? strayImports(judged)) : testImports(judged);
}

/** What a draft that parses does to the code around what was asked for; null when it does no harm. */
export function damage(judged: Judged): string | null {
  const { task, place } = judged;
  if (task.action === "docstring") return null;
  return place.uri === task.document?.uri
    ? (repeats(judged) ?? displaced(judged) ?? dropped(judged) ?? lostModifiers(judged))
    : (repeatedTests(judged) ?? repeats(judged));
}

/** What models write when they do not know a Python module's name. */
const PLACEHOLDER = /^(your|my)_?\w*(module|package|script|file|code)(_name)?$|^(module|package)(_name)?$/;

const COMMENT = /^\s*(?:\/\/|#(?!\[)|\/\*+|--|<!--|\{\s*\/\*)\s*(.*?)\s*(?:\*\/\s*\}?|-->)?$/;
const DOTS = /^(\.{3,}|…)$/;
const STARTS_WITH_DOTS = /^(\.{3}|…)/;
/** "Loading the remaining users..." says what the code does; "remaining methods..." that there is none. */
const ENDS_WITH_DOTS =
  /^\(?(the )?(existing|rest|remaining|remainder|other|previous|same|unchanged|omitted|implementation)\b.*(\.{3}|…)\)?$/i;
const LEFT_OUT =
  /\b(existing|rest|unchanged|same|remain(s|ing|der)?|previous|omitted|other|here)\b|\b(code|implementation|methods|functions)$/i;
const LEFT_AS_IT_IS =
  /^(existing code( here)?|(the )?rest( of the (code|class|file|method|function|implementation))?( (is|stays|remains))? (unchanged|the same)|(the )?(code|methods?|functions?) (stays?|remains?|is|are) (the same|unchanged)|same as before|unchanged)\.?$/i;

/** A comment that stands for code the model did not write out. */
function elision({ edit, task }: Judged): string | null {
  if (/^(markdown|plaintext)$/.test(task.facts.id)) return null;
  const known = new Set(lines(edit.before));
  const found = lines(edit.after).find((line) => {
    const words = COMMENT.exec(line)?.[1];
    if (words === undefined || known.has(line)) return false;
    const isCut = STARTS_WITH_DOTS.test(words) && LEFT_OUT.test(words.replace(/[.…\s]+$/, ""));
    return DOTS.test(words) || isCut || ENDS_WITH_DOTS.test(words) || LEFT_AS_IT_IS.test(words);
  });
  return found ?? null;
}

function strayImports({ task, edit, place }: Judged): string | null {
  if (task.target.kind === "selection" || !beginsWithImport(edit.after, place.languageId)) return null;
  if (task.target.kind === "declaration")
    return beginsWithImport(edit.before, place.languageId)
      ? null
      : `the draft brings imports along, which cannot stand here: only ${task.target.declaration.name} was asked for`;
  return hasImportsOf(place.text, edit.after, place.languageId) ? "the draft repeats the file's imports" : null;
}

/** The model wrote the whole file, or more of it than was asked for. */
function repeats({ task, before, after, place }: Judged): string | null {
  if (!before.isKnown || !after.isKnown) return null;
  const target =
    task.target.kind === "declaration" && place.uri === task.document?.uri ? task.target.declaration : null;
  const own = target ? keyOf(target, before) : "";
  const [old, now] = [counts(before), counts(after)];
  const grown = [...now].filter(([key, all]) => {
    const known = old.get(key);
    return key !== own && known && all.length > known.length && !isMentioned(task, known[0]?.name ?? "");
  });
  if (grown.length === 0) return null;
  const names = listed(grown.map(([, all]) => all[0]?.name ?? ""));
  return `the draft repeats ${names}, which the file has already: only ${target?.name ?? "what is new"} was asked for`;
}

/** A method that came back with the first line of its class, imports before it or not. */
function rewrapped({ task, before, edit }: Judged): string | null {
  if (task.target.kind !== "declaration") return null;
  const { declaration } = task.target;
  const around = before.declarations.findLast(
    (it) => it.depth < declaration.depth && contains(it.range, declaration.range),
  );
  if (!around || declaration.kind === "class") return null;
  const isRepeated = lines(edit.after).some((it) => CONTAINER.exec(it)?.[1] === around.name);
  return isRepeated ? wrapped(declaration.name) : null;
}

const CONTAINER =
  /^(?:(?:export|default|public|abstract|final|pub|data|sealed)\s+)*(?:class|impl(?:<[^>]*>)?(?:\s[^{]*\sfor)?|interface|object|trait|module|enum|struct)\s+([\w$]+)/;

function wrapped(name: string): string {
  return `the draft wraps ${name} in other code, which the file has already: only ${name} was asked for`;
}

/** The target came back inside something else, such as its class. */
function displaced({ task, before, after }: Judged): string | null {
  if (task.target.kind !== "declaration" || !after.isKnown) return null;
  const { declaration } = task.target;
  const now = counterpart(declaration, before, after);
  if (!now || now.depth <= declaration.depth) return null;
  return wrapped(declaration.name);
}

/** Declarations that were to be rewritten and are gone, with nothing in their place. */
function dropped({ task, before, after }: Judged): string | null {
  const range = targetRange(task.target);
  if (!range || !after.isKnown || (task.target.kind === "declaration" && task.action === "refactor")) return null;
  const isTarget = (it: Declaration) => task.target.kind === "declaration" && it === task.target.declaration;
  const names = (outline: Outline) => outline.declarations.map((it) => it.name);
  const [old, now] = [names(before), names(after)];
  const lost = before.declarations
    .filter((it) => contains(range, it.range) && !isTarget(it) && !now.includes(it.name) && !isMentioned(task, it.name))
    .map((it) => it.name);
  const added = now.filter((it) => !old.includes(it));
  return lost.length > added.length ? `the draft drops ${listed(lost)}` : null;
}

function lostModifiers({ task, place, edit, before, after }: Judged): string | null {
  if (task.target.kind !== "declaration") return null;
  const { declaration } = task.target;
  const now = counterpart(declaration, before, after);
  if (!now) return null;
  const kept = new Set(modifiersOf(splice(place.text, edit.range, edit.after), now).map((it) => it.shown));
  if (isExportedApart(edit.after, declaration.name)) for (const word of ["export", "default"]) kept.add(word);
  const lost = modifiersOf(place.text, declaration).filter((it) => !kept.has(it.shown) && !isMentioned(task, it.word));
  if (lost.length === 0) return null;
  return `the draft drops ${listed(lost.map((it) => `\`${it.shown}\``))} of ${declaration.name}`;
}

/** `export default f;` or `export { f };` behind the declaration. */
function isExportedApart(draft: string, name: string): boolean {
  const found = /^export\s+(?:default\s+([\w$]+)\s*;?\s*$|\{([^}]*)\})/m.exec(draft);
  return (found?.[1] ?? found?.[2] ?? "").split(/[,\s]+/).includes(name);
}

function testImports({ edit, place, companion }: Judged): string | null {
  const { languageId } = place;
  if (!place.isNewFile)
    return hasImportsOf(place.text, edit.after, languageId) ? "the tests repeat the file's imports" : null;
  if (!companion) return null;
  const wrong = wrongPath(edit.after, companion.importPath, languageId);
  return wrong ? `the tests import from "${wrong}": what they test is in "${companion.importPath}"` : null;
}

/** What a new test file imports in the place of what it tests. */
function wrongPath(draft: string, importPath: string, languageId: string): string | null {
  if (languageId === "python")
    return importedModules(draft).find((it) => PLACEHOLDER.test(it) && it !== importPath) ?? null;
  const paths = importsByPath(languageId) ? relativeImports(draft) : [];
  return paths.some((it) => isSameModule(it, importPath)) ? null : (paths[0] ?? null);
}

/** Whether `added` imports a line, or a name, that `text` imports. */
function hasImportsOf(text: string, added: string, languageId: string): boolean {
  const known = new Set([...importLines(text, languageId), ...importedNames(text, languageId)]);
  return [...importLines(added, languageId), ...importedNames(added, languageId)].some((it) => known.has(it));
}

/** Tests that are calls with a title, as in JavaScript. */
function repeatedTests({ edit, place }: Judged): string | null {
  const known = new Set(lines(place.text));
  const again = lines(edit.after).find((it) => /^(test|it)\(\s*["'`]/.test(it) && known.has(it));
  return again ? `the draft repeats a test that the file has already: ${again}` : null;
}

function counts(outline: Outline): Map<string, Declaration[]> {
  return Map.groupBy(outline.declarations, (it) => keyOf(it, outline));
}

/** What tells a declaration from others: its kind and name, and the names of what it lies in. */
function keyOf(declaration: Declaration, { declarations }: Outline): string {
  const around = declarations.filter(
    (it) =>
      it.depth < declaration.depth &&
      contains(it.range, declaration.range) &&
      compare(it.range.start, declaration.range.start) <= 0,
  );
  return [...around.map((it) => it.name), `${declaration.kind} ${declaration.name}`].join("/");
}

function lines(text: string): string[] {
  return text.split(/\r?\n/).map((it) => it.trim());
}

function listed(names: readonly string[]): string {
  const shown = [...new Set(names)];
  const more = shown.length - MOST_NAMES;
  return more > 0 ? `${shown.slice(0, MOST_NAMES).join(", ")} and ${more} more` : shown.join(", ");
}
