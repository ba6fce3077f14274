import type { LanguageFacts } from "../languages.ts";

/**
 * Small finished pieces of code that a completion model is shown before the real one, so that it goes on in kind. Used
 * only where the file itself has too little finished code. Loops over conditions, because that is what a small model
 * copies well.
 */
export function exemplarFunctions(facts: LanguageFacts): string {
  return FUNCTIONS[facts.id] ?? "";
}

/** A function and the words that document it, in the language's own comment style. */
export function exemplarDocs(
  facts: LanguageFacts,
): readonly { readonly code: string; readonly words: readonly string[] }[] {
  if (facts.id === "python") return PYTHON_DOCS;
  if (facts.doc?.kind === "before" && facts.doc.open === null)
    return TYPESCRIPT_DOCS.map((it) => ({ code: it.code, words: it.words.slice(0, 1) }));
  return TYPESCRIPT_DOCS;
}

const TYPESCRIPT_DOCS = [
  {
    code: "export function clamp(value: number, low: number, high: number): number {\n  return Math.min(high, Math.max(low, value));\n}",
    words: [
      "Keeps a number between two bounds.",
      "@param value The number to keep in bounds.",
      "@param low The lower bound.",
      "@param high The upper bound.",
      "@returns The number, or the bound it went past.",
    ],
  },
  {
    code: 'export function initials(name: string): string {\n  return name.split(" ").map((word) => word[0]).join("");\n}',
    words: [
      "Takes the first letter of each word of a name.",
      "@param name The full name.",
      "@returns The initials, in order.",
    ],
  },
];

const PYTHON_DOCS = [
  {
    code: "def clamp(value, low, high):\n    return min(high, max(low, value))",
    words: ["Keep a number between two bounds."],
  },
  {
    code: 'def initials(name):\n    return "".join(word[0] for word in name.split())',
    words: ["Return the first letters of the words of a name, in order."],
  },
];

const SCRIPT_BODIES = (types: boolean) => {
  const t = (text: string) => (types ? text : "");
  return `/** How often the letter stands in the text. */
export function countLetter(text${t(": string")}, letter${t(": string")})${t(": number")} {
  let count = 0;
  for (const character of text) {
    if (character === letter) count++;
  }
  return count;
}

/** The words that are longer than the limit, in their order. */
export function longWords(words${t(": readonly string[]")}, limit${t(": number")})${t(": string[]")} {
  const found${t(": string[]")} = [];
  for (const word of words) {
    if (word.length > limit) found.push(word);
  }
  return found;
}
`;
};

const FUNCTIONS: Readonly<Record<string, string>> = {
  typescript: SCRIPT_BODIES(true),
  typescriptreact: SCRIPT_BODIES(true),
  javascript: SCRIPT_BODIES(false),
  javascriptreact: SCRIPT_BODIES(false),
  python: `def count_letter(text, letter):
    """Return how often the letter stands in the text."""
    count = 0
    for character in text:
        if character == letter:
            count += 1
    return count


def long_words(words, limit):
    """Return the words that are longer than the limit, in their order."""
    found = []
    for word in words:
        if len(word) > limit:
            found.append(word)
    return found
`,
};
