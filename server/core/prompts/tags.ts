/** Tags around material: a name that the material does not hold, so that nothing in it can end it or begin another. */
export interface Tags {
  /** `<code>`, or `<code-2>` where the material speaks of `code` tags itself. */
  open(name: TagName): string;
  /** The material between its tags, each on a line of its own; "" where there is none. */
  around(name: TagName, text: string, attributes?: string): string;
}

export type TagName = (typeof NAMES)[number];
const NAMES = ["file", "code", "problems", "tests"] as const;

/** One number for all tags of a prompt. The material itself is never changed: who edits it copies it. */
export function tagsFor(materials: readonly string[]): Tags {
  let number = 1;
  while (materials.some((it) => held(number).test(it))) number++;
  const named = (name: TagName) => (number === 1 ? name : `${name}-${number}`);
  return {
    open: (name) => `<${named(name)}>`,
    around: (name, text, attributes = "") =>
      text === "" ? "" : `<${named(name)}${attributes}>\n${text}\n</${named(name)}>`,
  };
}

/** Whether a text has one of the tags with that number, in whatever spelling a model may take for it. */
function held(number: number): RegExp {
  const suffix = number === 1 ? "(?!\\s*-\\s*\\d)" : `\\s*-\\s*${number}(?!\\d)`;
  return new RegExp(`<\\s*/?\\s*(?:${NAMES.join("|")})${suffix}(?![\\w])`, "i");
}
