import { nothing } from "lit";

/** A template as the text of its markup. Values that lit puts in as text are escaped, so that markup among them is seen as such. */
export function markupOf(value: unknown): string {
  if (value === nothing || value === null || value === undefined || value === false) return "";
  if (Array.isArray(value)) return value.map(markupOf).join("");
  if (isTemplate(value)) {
    const { strings, values } = value;
    return strings.reduce((text, part, nth) => `${text}${part}${nth < values.length ? markupOf(values[nth]) : ""}`, "");
  }
  // `repeat` hands its items on.
  if (isDirective(value)) {
    const [items, key, template] = value.values;
    const make = typeof template === "function" ? template : key;
    return Array.from(items as Iterable<unknown>, (it, nth) => markupOf((make as Make)(it, nth))).join("");
  }
  return String(value).replaceAll("<", "&lt;");
}

/** The same as somebody reads it: without tags, blanks all alike. */
export function wordsOf(value: unknown): string {
  return markupOf(value)
    .replace(/<title>[^<]*<\/title>/g, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

type Make = (item: unknown, index: number) => unknown;

function isTemplate(value: unknown): value is { strings: readonly string[]; values: readonly unknown[] } {
  return typeof value === "object" && value !== null && "_$litType$" in value;
}

function isDirective(value: unknown): value is { values: readonly unknown[] } {
  return typeof value === "object" && value !== null && "_$litDirective$" in value && "values" in value;
}
