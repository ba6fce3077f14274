/** A Markdown file of tasks or drafts: what stands above the first section, and each section's fenced block by its title. */
export interface Sections {
  /** "- name: value" lines above the first section. */
  readonly facts: ReadonlyMap<string, string>;
  /** The paragraphs above the first section, each on one line as somebody would type it. */
  readonly words: string;
  readonly blocks: ReadonlyMap<string, string>;
}

/** What is wrong with such a file, for who wrote it. */
export interface Malformed {
  readonly kind: "malformed";
  readonly why: string;
}

export function malformed(why: string): Malformed {
  return { kind: "malformed", why };
}

export function sectionsOf(markdown: string): Sections {
  const [head = "", ...sections] = markdown.replaceAll("\r\n", "\n").split(/^## /m);
  return {
    facts: new Map([...head.matchAll(/^- (\w+): (.+)$/gm)].map((it) => [it[1] ?? "", (it[2] ?? "").trim()])),
    words: wordsIn(head),
    blocks: new Map(sections.map((it) => [titleOf(it), blockOf(it)])),
  };
}

/** The text with a diff's old lines replaced by its new ones; null unless they stand there exactly once. */
export function patched(text: string, diff: string): string | null {
  const lines = diff.split("\n").filter((it) => it !== "");
  const side = (mark: "-" | "+") =>
    lines
      .filter((it) => it.startsWith(mark) || it.startsWith(" "))
      .map((it) => `${it.slice(1)}\n`)
      .join("");
  const old = side("-");
  const at = text.indexOf(old);
  const isWhole = at === 0 || text[at - 1] === "\n";
  if (old === "" || at < 0 || !isWhole || text.includes(old, at + 1)) return null;
  return text.slice(0, at) + side("+") + text.slice(at + old.length);
}

function titleOf(section: string): string {
  return section.slice(0, section.indexOf("\n")).trim();
}

/** The first fenced block's lines; "" when there is none. */
function blockOf(section: string): string {
  return /^```[^\n]*\n(.*?)^```$/ms.exec(section)?.[1] ?? "";
}

function wordsIn(head: string): string {
  return head
    .split(/\n{2,}/)
    .map((it) => it.trim())
    .filter((it) => it !== "" && !/^(# |- \w+: )/.test(it))
    .map((it) => it.replace(/\s*\n\s*/g, " "))
    .join("\n\n");
}
