/** Random numbers that come again for the same seed (mulberry32). */
export interface Chance {
  /** At least 0, below 1. */
  next(): number;
  below(limit: number): number;
  pick<T>(from: readonly T[]): T;
  bytes(length: number): Buffer;
}

export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  };
}

/** What a client sends, in which portions, and how it leaves. */
export interface Assault {
  readonly kind: string;
  readonly portions: readonly Buffer[];
  /** `ends`: says that nothing more comes; `waits`: for the server to close; `leaves`: without a word. */
  readonly leaving: "ends" | "waits" | "leaves";
}

const KINDS = {
  noise: (chance: Chance) => chance.bytes(1 + chance.below(400)),
  valid: (chance: Chance, given: Given) => post(given, body(chance)),
  truncated: (chance: Chance, given: Given) => {
    const whole = post(given, body(chance));
    return whole.subarray(0, chance.below(whole.length));
  },
  flipped: (chance: Chance, given: Given) => {
    const whole = Buffer.from(post(given, body(chance)));
    for (let flips = 1 + chance.below(8); flips > 0; flips--) whole[chance.below(whole.length)] = chance.below(256);
    return whole;
  },
  wrongTypes: (chance: Chance, given: Given) => post(given, JSON.stringify(anything(chance, 5))),
  wrongFields: (chance: Chance, given: Given) => post(given, JSON.stringify(almost(chance))),
  deep: (chance: Chance, given: Given) => post(given, "[".repeat(chance.below(50_000))),
  hugeHeader: (chance: Chance, given: Given) =>
    post(given, "{}", { "x-huge": "h".repeat(chance.below(40_000)), [`x-${"n".repeat(chance.below(100))}`]: "" }),
  hugeBody: (chance: Chance, given: Given) => post(given, `{"model":"${"m".repeat(chance.below(200_000))}"}`),
  wrongLength: (chance: Chance, given: Given) =>
    post(given, body(chance), {
      "content-length": chance.pick(["-1", "1e3", "99999999999999999999", "5, 6", "", "abc", "7"]),
    }),
  twoLengths: (chance: Chance, given: Given) =>
    post(given, body(chance), {
      "content-length": "5",
      "transfer-encoding": chance.pick(["chunked", "gzip", "chunked, chunked"]),
    }),
  badChunks: (chance: Chance, given: Given) => {
    const start = post(given, "", { "transfer-encoding": "chunked", "content-length": null });
    const size = chance.pick(["ffffffffffffffff", "zz", "-1", "5", "0x5", "5;ext=1", ""]);
    return Buffer.concat([start, Buffer.from(`${size}\r\n`), chance.bytes(chance.below(60))]);
  },
  pipelined: (chance: Chance, given: Given) =>
    Buffer.concat([
      post(given, body(chance)),
      chance.pick([chance.bytes(200), post(given, body(chance)), Buffer.from("\r\n\r\n\r\n")]),
    ]),
  wrongOrder: (chance: Chance, given: Given) => {
    const lines = post(given, body(chance)).toString("latin1").split("\r\n");
    return Buffer.from(lines.sort(() => chance.next() - 0.5).join("\r\n"), "latin1");
  },
  oddStart: (chance: Chance, given: Given) => {
    const method = chance.pick(["GET", "TRACE", "CONNECT", "PROPFIND", "get", "", "GETT", "PRI", "\0"]);
    const path = chance.pick([
      "/health",
      "/%",
      "//",
      "/v1/models/%2e%2e",
      "http://evil.example/",
      "*",
      `/?${"q".repeat(9_000)}`,
      "\u0001",
      "/v1/models/%ff",
    ]);
    const version = chance.pick(["HTTP/1.1", "HTTP/1.0", "HTTP/9.9", "HTTP/2.0", "http/1.1", ""]);
    return Buffer.from(
      `${method} ${path} ${version}\r\nhost: ${given.host}\r\nauthorization: Bearer ${given.key}\r\n\r\n`,
      "latin1",
    );
  },
} as const;

export interface Given {
  readonly host: string;
  readonly key: string;
}

export function assault(chance: Chance, given: Given): Assault {
  const kind = chance.pick(Object.keys(KINDS) as (keyof typeof KINDS)[]);
  const bytes = KINDS[kind](chance, given);
  const cut = chance.below(3) === 0 ? chance.below(bytes.length + 1) : bytes.length;
  const portions = [bytes.subarray(0, cut), bytes.subarray(cut)].filter((it) => it.length > 0);
  return { kind, portions, leaving: chance.pick(["ends", "ends", "ends", "waits", "leaves"] as const) };
}

function post(given: Given, text: string, more: Readonly<Record<string, string | null>> = {}): Buffer {
  const headers = {
    host: given.host,
    authorization: `Bearer ${given.key}`,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...more,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
  return Buffer.from(["POST /v1/chat/completions HTTP/1.1", ...lines, "", text].join("\r\n"));
}

function body(chance: Chance): string {
  const stream = chance.pick([true, false]);
  return JSON.stringify({ model: "auto", stream, max_tokens: 4, messages: [{ role: "user", content: "hello" }] });
}

/** A request that fits but for one field. */
function almost(chance: Chance): object {
  const field = chance.pick([
    "model",
    "messages",
    "stream",
    "temperature",
    "stop",
    "n",
    "tools",
    "max_tokens",
    "seed",
    "__proto__",
  ]);
  return { model: "auto", messages: [{ role: "user", content: "hello" }], [field]: anything(chance, 3) };
}

function anything(chance: Chance, depth: number): unknown {
  const inner = () => anything(chance, depth - 1);
  const leaves = [null, true, -1, 1e308, 0.5, "", "x".repeat(50), "\u0000\ud800", "auto"];
  if (depth === 0 || chance.next() < 0.4) return chance.pick(leaves);
  const length = chance.below(5);
  if (chance.next() < 0.5) return Array.from({ length }, inner);
  const names = ["model", "messages", "role", "content", "__proto__", "constructor", "prototype", "toString", ""];
  return Object.fromEntries(Array.from({ length }, () => [chance.pick(names), inner()]));
}
