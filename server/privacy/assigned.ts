/** What is found, and how it shows. Each pattern takes time in proportion to the text: no part of it can match in two ways. */
interface Sign {
  readonly what: string;
  readonly pattern: RegExp;
  /** Whether the value that was found is meant; left out: it is. */
  readonly isMeant?: (value: string) => boolean;
}

/** Quoted, after a name and `=`, `:` or `=>`, as in most languages; the value is the group. */
const quotedAfter = (names: string) =>
  new RegExp(
    `(?:${names})\\w{0,30}["'\`\\]]{0,3}[ \\t]{0,9}(?::[ \\t]{0,9}\\w{1,30}[ \\t]{0,9})?(?:is[ \\t]{0,3})?(?:=>|:=|[:=]|is[ \\t])[ \\t]{0,9}["'\`]([^"'\`\\n]{4,400})["'\`]`,
    "gi",
  );

/**
 * Signs of secrets that have no shape of their own, and of a few that the library has no rule for. A false alarm costs an answer from the
 * cloud, a miss costs the secret: in doubt it is one.
 */
const SIGNS: readonly Sign[] = [
  { what: "a password", pattern: quotedAfter("passw(?:or)?d|passphrase|passwd|pwd"), isMeant: isNoPlaceholder },
  {
    what: "a key or token",
    pattern: quotedAfter("secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|credential|auth[_-]?key"),
    isMeant: (it) => it.length >= 8 && /\d/.test(it) && /[a-z]/i.test(it) && !/\s/.test(it) && isNoPlaceholder(it),
  },
  {
    // As in files of variables and of properties, without quotes.
    what: "a password, key or token",
    pattern:
      /^[ \t]{0,9}(?:export[ \t]{1,9})?[\w.-]{0,60}(?:passw(?:or)?d|passphrase|secret|token|api_?key|access_?key|private_?key)[\w.-]{0,40}[ \t]{0,9}[=:][ \t]{0,9}([^\s"'`,;(){}[\]]{6,400})[ \t]{0,9}\r?$/gim,
    isMeant: (it) => /\d|[^\w.]/.test(it) && isNoPlaceholder(it),
  },
  {
    // In prose, in addresses, on command lines.
    what: "a password, key or token",
    pattern:
      /(?:passw(?:or)?d|passphrase|secret|token|api_?key|access_?key)(?:[ \t]{0,3}[:=][ \t]{0,3}|[ \t]{1,3}is[: \t]{1,3}|[ \t])([^\s"'`,;(){}[\]<>&]{6,400})(?=[\s"'`,;&<)}\]]|$)/gi,
    isMeant: (it) => /\d/.test(it) && /[a-z]/i.test(it) && /^[\w!#$%*+./:=?@^~-]+$/.test(it) && isNoPlaceholder(it),
  },
  { what: "a bearer token", pattern: /\bbearer[ \t]{1,9}([\w.~+/=-]{20,2000})/gi, isMeant: (it) => /\d/.test(it) },
  { what: "a JSON web token", pattern: /\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,2000}/g },
  { what: "an AWS key", pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g },
  {
    what: "an API key",
    pattern: /\b(?:sk|rk|pk)[-_](?:live|test|proj|svcacct|admin|or|ant)?[-_]?[A-Za-z0-9_-]{20,400}/g,
    isMeant: (it) => /\d/.test(it),
  },
  { what: "a Google API key", pattern: /\bAIza[\w-]{35}/g },
  { what: "a private key", pattern: /-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g },
  {
    what: "a password in an address",
    pattern: /\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:@/"'`]{1,100}:([^\s@/"'`]{3,200})@/gi,
    isMeant: isNoPlaceholder,
  },
];

/** More finds of one sign are not looked at: the text is full of them, and the first that is meant decides. */
const MOST_FINDS = 10_000;

/** What kind of secret the text looks like it holds; null: none. What it is stays unsaid. */
export function assignedSecret(text: string): string | null {
  for (const { what, pattern, isMeant } of SIGNS) {
    let finds = 0;
    for (const { 0: whole, 1: value } of text.matchAll(pattern)) {
      if (!isMeant || isMeant(value ?? whole)) return what;
      if (++finds >= MOST_FINDS) return what;
    }
  }
  return null;
}

/** What stands for a secret in examples, or fetches one from elsewhere. */
const PLACEHOLDER =
  /^(?:[<[{$%#*.].*|.*\$\{.*|(?:your|my|the|some|a|an|no|enter|new|old|current|confirm|forgot|reset|change|invalid|wrong|missing|test|example|sample|dummy|fake|placeholder|foo|bar)(?:[-_ ].*)?|x+|(?:pass(?:word|wd|phrase)?|pwd|secret|token|changeme|change_me|string|text|none|null|undefined|true|false|required|optional|hidden|redacted)s?[.!?:]?|[a-z]+[-_]?(?:password|secret|token|key|field|input|label))$/i;

function isNoPlaceholder(value: string): boolean {
  return !PLACEHOLDER.test(value.trim());
}
