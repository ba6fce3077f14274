/** What came out of the bytes: the body of one message, or why nothing after this can be made sense of. */
export type Frame =
  | { readonly kind: "body"; readonly bytes: Buffer }
  | { readonly kind: "broken"; readonly why: string };

export interface Frames {
  /** Takes bytes as they came and yields what they complete. After `broken` it yields nothing any more. */
  push(chunk: Buffer): Iterable<Frame>;
}

/** Largest body of one message. A file may have a million characters, and JSON escapes some of them. */
export const MOST_BODY_BYTES = 16 * 1024 * 1024;
/** LSP's header block is two short lines. */
export const MOST_HEADER_BYTES = 8 * 1024;

const END_OF_HEADER = "\r\n\r\n";
/** Room a body gets at first; what a client announces and never sends costs nothing. */
const FIRST_ROOM_BYTES = 64 * 1024;

/** Cuts a stream of bytes into LSP messages. It holds one unfinished message, within the limits, and nothing else. */
export function createFrames(): Frames {
  let header: Buffer = Buffer.alloc(0);
  let body: Body | null = null;
  let isBroken = false;

  function broken(why: string): Frame {
    isBroken = true;
    header = Buffer.alloc(0);
    return { kind: "broken", why };
  }

  /** Reads on in the header block; answers what stands behind it, or null when it goes on. */
  function readHeader(chunk: Buffer): { rest: Buffer; header: Buffer } | null {
    const from = Math.max(0, header.length - END_OF_HEADER.length + 1);
    // No more than a header may have is ever looked at or kept.
    const head = Buffer.concat([header, chunk.subarray(0, MOST_HEADER_BYTES + END_OF_HEADER.length - header.length)]);
    const end = head.indexOf(END_OF_HEADER, from, "latin1");
    const before = header.length;
    header = end === -1 ? head : Buffer.alloc(0);
    if (end === -1) return null;
    return { header: head.subarray(0, end), rest: chunk.subarray(end + END_OF_HEADER.length - before) };
  }

  return {
    *push(chunk) {
      let rest = chunk;
      while (rest.length > 0 && !isBroken) {
        if (body === null) {
          const read = readHeader(rest);
          if (read === null) {
            if (header.length > MOST_HEADER_BYTES) yield broken(`a header of more than ${MOST_HEADER_BYTES} bytes`);
            return;
          }
          const length = contentLength(read.header.toString("latin1"));
          if (typeof length === "string") return yield broken(length);
          body = createBody(length);
          rest = read.rest;
        }
        const taken = body.take(rest);
        rest = rest.subarray(taken);
        const bytes = body.whole();
        if (bytes === null) continue;
        body = null;
        yield { kind: "body", bytes };
      }
    },
  };
}

/** The length a header block announces, or what is wrong with the block. */
function contentLength(header: string): number | string {
  const lengths: string[] = [];
  for (const line of header.split("\r\n")) {
    const [, name, value] = /^([\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return "a header line that is no header";
    if (name.toLowerCase() === "content-length") lengths.push(value);
    const [, charset] = (name.toLowerCase() === "content-type" && /charset="?([^\s";]+)/i.exec(value)) || [];
    if (charset !== undefined && !/^utf-?8$/i.test(charset)) return "a character set that is not UTF-8";
  }
  const [length, another] = lengths;
  if (length === undefined) return "a header without Content-Length";
  if (another !== undefined) return "a header with two Content-Lengths";
  if (!/^\d+$/.test(length)) return "a Content-Length that is no number";
  return Number(length) > MOST_BODY_BYTES ? `a message of more than ${MOST_BODY_BYTES} bytes` : Number(length);
}

interface Body {
  /** Takes what belongs to the body from the front, and says how much that was. */
  take(bytes: Buffer): number;
  whole(): Buffer | null;
}

/** Collects a body. One that lies in a single chunk is not copied; any other is put in one place as it comes. */
function createBody(length: number): Body {
  let held: Buffer = Buffer.alloc(0);
  let size = 0;
  return {
    take(bytes) {
      const part = bytes.subarray(0, length - size);
      if (part.length === length) held = part;
      else {
        if (size + part.length > held.length) held = roomier(held, { used: size, need: size + part.length, length });
        part.copy(held, size);
      }
      size += part.length;
      return part.length;
    },
    whole: () => (size === length ? held.subarray(0, length) : null),
  };
}

/** Doubled each time, so that a body that comes byte by byte is not copied again and again. */
function roomier(held: Buffer, { used, need, length }: { used: number; need: number; length: number }): Buffer {
  const next = Buffer.allocUnsafe(Math.min(length, Math.max(need, held.length * 2, FIRST_ROOM_BYTES)));
  held.copy(next, 0, 0, used);
  return next;
}
