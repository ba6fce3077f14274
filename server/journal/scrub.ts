/** From `file:` to the end of a GGUF's name, spaces and all; else to the next space. */
const FILE_URL = /\bfile:(?:[^\n"]*?([^\\/\n"]+?\.gguf)|\S*?([^\\/\s]*)(?=\s|$))/gi;
/** Two folders deep at least, from a root, a drive or a home. What follows a letter, a colon or a slash is part of an address. */
const PATH = /(?<![\w:/\\.])(?:~|[a-z]:)?(?:[\\/][^\s\\/"'`,;:()]+)+[\\/]([^\s\\/"'`,;:()]+)/gi;
/** `https://user:password@host` */
const USER = /(?<=:\/\/)[^\s/@]+@/g;

/** No place is written without one of these. */
const SIGN = /[\\/]|file:/i;

/** The text with files named by their last part, and nobody's name or password in an address. */
export function withoutPlaces(text: string): string {
  if (!SIGN.test(text)) return text;
  return text
    .replace(FILE_URL, (_, model?: string, other?: string) => model ?? other ?? "file")
    .replace(PATH, "$1")
    .replace(USER, "");
}

/** The same for every text in a value. */
export function scrubbed(value: unknown): unknown {
  if (typeof value === "string") return withoutPlaces(value);
  if (Array.isArray(value)) return value.map(scrubbed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, scrubbed(inner)]));
}
