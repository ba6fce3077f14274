import { requests } from "../../server/protocol/requests.ts";
import { framed } from "./door.ts";

/** Chance that can be had again from its seed. */
export interface Chance {
  /** From 0 up to, and not including, `below`. */
  number(below: number): number;
  pick<T>(of: readonly T[]): T;
  isOneIn(many: number): boolean;
}

/** Enough to make messages up, and the same everywhere: each number is a counter, well mixed, so that neighbouring seeds differ at once. */
export function createChance(seed: number): Chance {
  let count = Math.imul(seed, 0x9e37_79b1);
  const next = () => {
    let bits = ++count;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0_aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a_2d97);
    return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
  };
  const number = (below: number) => Math.floor(next() * below);
  return {
    number,
    pick: (of) => of[number(of.length)] as (typeof of)[number],
    isOneIn: (many) => number(many) === 0,
  };
}

const CONTRACT = Object.values(requests).map((it) => it.method);
const METHODS = [
  ...CONTRACT,
  "initialize",
  "shutdown",
  "textDocument/codeAction",
  "codeAction/resolve",
  "workspace/executeCommand",
  "window/workDoneProgress/create",
  "toString",
  "__proto__",
  "",
  "no/such",
];
const NOTIFICATIONS = [
  "initialized",
  "exit",
  "$/cancelRequest",
  "$/progress",
  "$/setTrace",
  "$/logTrace",
  "textDocument/didOpen",
  "textDocument/didChange",
  "textDocument/didClose",
  "textDocument/didSave",
  "workspace/didChangeConfiguration",
  "workspace/didChangeWorkspaceFolders",
  "window/workDoneProgress/cancel",
  "constructor",
];
const KEYS = ["uri", "range", "start", "text", "id", "settings", "textDocument", "capabilities", "__proto__", "toJSON"];
const WORDS = ["", "x", "file:///a.ts", "%", "\0", "\ud800", "constructor", "1", "null", "é😀"];
const NUMBERS = [0, -0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308];

/** The bytes of one more message, or of something that is none. */
export function hostile(chance: Chance): Buffer {
  return chance.pick(chance.isOneIn(MESSAGES_TO_A_BREAK) ? BREAKING : KINDS)(chance);
}

/** After one of these nothing can be understood any more, and what comes behind it tests nothing. */
const MESSAGES_TO_A_BREAK = 80;
const BREAKING: readonly ((chance: Chance) => Buffer)[] = [
  // A body that is shorter or longer than announced: what follows is read askew.
  (chance) => askew(chance),
  (chance) => garbage(chance),
  (chance) => Buffer.from(`${chance.pick(HEADERS)}\r\n\r\n{}`),
];

const KINDS: readonly ((chance: Chance) => Buffer)[] = [
  (chance) => framed(JSON.stringify(request(chance))),
  (chance) => framed(JSON.stringify(request(chance))),
  (chance) => framed(JSON.stringify(inOrder(chance))),
  (chance) => framed(JSON.stringify(inOrder(chance))),
  (chance) => framed(JSON.stringify(inOrder(chance))),
  (chance) => framed(JSON.stringify(inOrder(chance))),
  (chance) => framed(JSON.stringify(document(chance))),
  (chance) => framed(JSON.stringify(document(chance))),
  (chance) => framed(JSON.stringify({ jsonrpc: "2.0", method: chance.pick(NOTIFICATIONS), params: params(chance) })),
  (chance) => framed(JSON.stringify({ id: id(chance), result: value(chance, 2), error: value(chance, 2) })),
  (chance) => framed(JSON.stringify(value(chance, 5))),
  // Valid, but for a few bytes of the body.
  (chance) => framed(damaged(Buffer.from(JSON.stringify(request(chance))), chance)),
  (chance) => framed(garbage(chance)),
  (chance) => framed("[".repeat(chance.number(5_000))),
  (chance) => (chance.isOneIn(20) ? huge(chance) : framed("")),
];

const HEADERS = [
  "Content-Length: 99999999999",
  "Content-Length: -5",
  "Content-Length: NaN",
  "Content-Length: 2\r\nContent-Length: 2",
  "Content-Type: text/plain",
  "Content-Length: 1e3",
  "GET / HTTP/1.1",
  `X: ${"y".repeat(10_000)}`,
];

function request(chance: Chance): object {
  return { jsonrpc: "2.0", id: id(chance), method: chance.pick(METHODS), params: params(chance) };
}

/** What a client might really send, in whatever order. */
function inOrder(chance: Chance): object {
  const uri = chance.pick(WORDS);
  const range = { start: place(chance), end: place(chance) };
  const context = { diagnostics: chance.isOneIn(2) ? [] : [{ range, message: "m", severity: chance.number(6) }] };
  const action = { title: "t", data: { action: "fix", uri, version: chance.number(4), range, diagnostics: [] } };
  const argument = { action: "explain", uri, range };
  const all: readonly object[] = [
    { method: "initialize", params: { capabilities: value(chance, 3) } },
    { method: "initialize", params: { capabilities: {}, initializationOptions: {} } },
    { method: "tandem/generate", params: { prompt: "x", ...(chance.isOneIn(2) && { partialResultToken: "t" }) } },
    { method: "tandem/status", params: {} },
    { method: "textDocument/codeAction", params: { textDocument: { uri }, range, context } },
    { method: "codeAction/resolve", params: action },
    { method: "workspace/executeCommand", params: { command: "tandem.run", arguments: [argument] } },
  ];
  return { jsonrpc: "2.0", id: id(chance), ...chance.pick(all) };
}

function document(chance: Chance): object {
  const textDocument = {
    uri: chance.pick(WORDS),
    languageId: "typescript",
    version: chance.number(4),
    text: "a\r\nb\n",
  };
  const range = { start: place(chance), end: place(chance) };
  const contentChanges = Array.from({ length: chance.number(4) }, () => ({
    ...(chance.isOneIn(2) && { range }),
    text: chance.pick(WORDS),
  }));
  const method = chance.pick(["textDocument/didOpen", "textDocument/didChange", "textDocument/didClose"]);
  return { jsonrpc: "2.0", method, params: { textDocument, contentChanges } };
}

function place(chance: Chance) {
  return { line: chance.number(5) - 1, character: chance.isOneIn(5) ? 1e9 : chance.number(4) };
}

function id(chance: Chance): unknown {
  return chance.isOneIn(8) ? value(chance, 1) : chance.number(20);
}

/** Most often something that JSON-RPC lets through. */
function params(chance: Chance): unknown {
  return chance.isOneIn(6) ? value(chance, 2) : object(chance, 4);
}

function object(chance: Chance, depth: number): object {
  return Object.fromEntries(
    Array.from({ length: chance.number(4) }, () => [chance.pick(KEYS), value(chance, depth - 1)]),
  );
}

function value(chance: Chance, depth: number): unknown {
  const size = chance.number(4);
  switch (chance.number(depth > 0 ? 7 : 5)) {
    case 0:
      return null;
    case 1:
      return chance.isOneIn(2);
    case 2:
      return chance.pick(NUMBERS);
    case 3:
      return chance.pick(WORDS);
    case 4:
      return "x".repeat(chance.number(500));
    case 5:
      return Array.from({ length: size }, () => value(chance, depth - 1));
    default:
      return object(chance, depth);
  }
}

function damaged(bytes: Buffer, chance: Chance): Buffer {
  for (let times = chance.number(5); times >= 0; times--) bytes[chance.number(bytes.length)] = chance.number(256);
  return bytes;
}

function askew(chance: Chance): Buffer {
  const body = JSON.stringify(request(chance));
  return Buffer.from(`Content-Length: ${Math.max(0, body.length + chance.number(40) - 20)}\r\n\r\n${body}`);
}

function garbage(chance: Chance): Buffer {
  return Buffer.from(Array.from({ length: chance.number(400) }, () => chance.number(256)));
}

function huge(chance: Chance): Buffer {
  const text = "x".repeat(chance.number(3_000_000));
  const textDocument = { uri: "file:///huge.ts", languageId: "typescript", version: 1, text };
  return framed(JSON.stringify({ jsonrpc: "2.0", method: "textDocument/didOpen", params: { textDocument } }));
}
