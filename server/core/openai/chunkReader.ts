import type { AnswerHead } from "./answer.ts";

/** One chunk of a stream in OpenAI's shape. */
export interface ReadChunk {
  /** As JSON on one line, under the name that was asked for. */
  readonly json: string;
  /** What is in it; null: what was in the one before it, but for a piece of text or thought that is not empty. */
  readonly body: Readonly<Record<string, unknown>> | null;
  /** What it adds to the answer's text, where the stream has one choice; else "". */
  readonly text: string;
}

/**
 * Reads the chunks of one stream, and puts `name` in place of the model's. Chunks are hundreds of characters around a few that are new:
 * one that differs from the last in its text alone is not parsed, which is known for certain, since all else is the same to the byte.
 * Null: that is no JSON object. `name` null: the server's own stays. `head`: by which the stream is known, where another server began it.
 */
export function createChunkReader(
  name: string | null,
  head: Partial<AnswerHead> = {},
): (json: string) => ReadChunk | null {
  const given = Object.entries({ ...(name === null ? {} : { model: name }), ...head });
  let frame: Frame | null = null;
  return (json) => {
    const again = frame && framed(json, frame);
    if (again) return again;
    const body = objectOf(json);
    if (!body) return null;
    const named = given.every(([field, value]) => body[field] === value)
      ? body
      : { ...body, ...Object.fromEntries(given) };
    const out = named === body && !/[\r\n]/.test(json) ? json : JSON.stringify(named);
    const place = placeOf(body);
    frame = place && frameOf(json, out, place);
    return { json: out, body: named, text: place?.field === "content" || place?.field === "text" ? place.value : "" };
  };
}

/** A chunk cut open at its text: what stands before and behind that, as the server writes it and as it goes out. */
interface Frame {
  readonly isText: boolean;
  readonly given: readonly [before: string, behind: string];
  readonly out: readonly [before: string, behind: string];
}

/** RFC 8259, section 7. */
const ESCAPED = /^(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))+$/u;

function framed(json: string, { isText, given, out }: Frame): ReadChunk | null {
  const [before, behind] = given;
  if (json.length <= before.length + behind.length || !json.startsWith(before) || !json.endsWith(behind)) return null;
  const inner = json.slice(before.length, json.length - behind.length);
  const plain = isPlain(inner);
  if (!plain && !ESCAPED.test(inner)) return null;
  const text = isText ? (plain ? inner : String(JSON.parse(`"${inner}"`))) : "";
  return { json: out[0] + inner + out[1], body: null, text };
}

/** Whether nothing in a JSON string is written otherwise than it is. */
function isPlain(inner: string): boolean {
  for (let at = 0; at < inner.length; at++) {
    const code = inner.charCodeAt(at);
    if (code < FIRST_PLAIN || code === QUOTE || code === BACKSLASH) return false;
  }
  return true;
}

const [FIRST_PLAIN, QUOTE, BACKSLASH] = [0x20, 0x22, 0x5c];

/** The one thing in a chunk that the model has written. */
interface Place {
  readonly field: string;
  readonly value: string;
}

/** Where a chunk holds one piece of one kind and nothing that ends or counts anything; null for all others. */
function placeOf({ choices, usage }: Readonly<Record<string, unknown>>): Place | null {
  if (!Array.isArray(choices) || choices.length !== 1 || usage) return null;
  const choice = recordOf(choices[0]);
  if (!choice || choice.finish_reason) return null;
  const delta = Object.entries(recordOf(choice.delta) ?? {}).filter(([name]) => name !== "role");
  const written = [...delta, ["text", choice.text] as const].filter(([, value]) => Boolean(value));
  const [only, more] = written;
  return only && !more && typeof only[1] === "string" ? { field: only[0], value: only[1] } : null;
}

/** Stands where the text stood, to see whether that is the place. No server writes it. */
const MARK = "\u0001tandem\u0001";
const MARKED = JSON.stringify(MARK);

function frameOf(json: string, out: string, { field, value }: Place): Frame | null {
  const given = cutAt(json, field);
  // What goes out is most often what came.
  const cut = out === json ? given : cutAt(out, field);
  const isText = field === "content" || field === "text";
  return given && cut && value !== MARK ? { isText, given, out: cut } : null;
}

/** Cuts a chunk at the value of that field, by trying: with the mark in its place a parser finds the mark there. */
function cutAt(json: string, field: string): Frame["given"] | null {
  const key = JSON.stringify(field);
  for (let at = json.indexOf(key); at >= 0; at = json.indexOf(key, at + 1)) {
    const [opening] = /^\s*:\s*"/.exec(json.slice(at + key.length)) ?? [];
    if (opening === undefined) continue;
    const start = at + key.length + opening.length;
    const end = closingQuote(json, start);
    if (end < 0) continue;
    const [before, behind] = [json.slice(0, start), json.slice(end)];
    const place = placeOf(objectOf(before + MARKED.slice(1, -1) + behind) ?? {});
    if (place?.field === field && place.value === MARK) return [before, behind];
  }
  return null;
}

function closingQuote(json: string, start: number): number {
  let at = start;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at < json.length ? at : -1;
}

function objectOf(json: string): Readonly<Record<string, unknown>> | null {
  try {
    return recordOf(JSON.parse(json));
  } catch {
    return null;
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}
