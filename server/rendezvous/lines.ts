import type { Socket } from "node:net";
import type { z } from "zod";

/** The longest line of a handshake has about 400. */
const MOST_BYTES = 4_096;
const NEWLINE = 0x0a;

/**
 * The next line a peer sends, if it is what `schema` says; null when it is not, when it is too long, or when the peer goes or `signal`
 * fires first. What follows the line is left in the socket for whoever reads next.
 */
export async function readLine<Schema extends z.ZodType>(
  socket: Socket,
  schema: Schema,
  signal: AbortSignal,
): Promise<z.output<Schema> | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) {
      if (!(await isReadable(socket, signal))) return null;
      continue;
    }
    const end = chunk.indexOf(NEWLINE);
    const piece = end < 0 ? chunk : chunk.subarray(0, end);
    bytes += piece.length;
    if (bytes > MOST_BYTES) return null;
    pieces.push(piece);
    if (end < 0) continue;
    if (end + 1 < chunk.length) socket.unshift(chunk.subarray(end + 1));
    return parse(Buffer.concat(pieces).toString("utf8"), schema);
  }
}

/** A line as `readLine` expects it. */
export function lineOf<Schema extends z.ZodType>(_schema: Schema, value: z.output<Schema>): string {
  return `${JSON.stringify(value)}\n`;
}

function parse<Schema extends z.ZodType>(text: string, schema: Schema): z.output<Schema> | null {
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null; // not JSON
  }
}

/** Whether there is more to read before the peer ends or the signal fires. */
function isReadable(socket: Socket, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted || socket.destroyed || socket.readableEnded) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (isMore: boolean) => {
      socket.off("readable", onReadable).off("end", onEnd).off("close", onEnd);
      signal.removeEventListener("abort", onEnd);
      resolve(isMore);
    };
    const onReadable = () => settle(true);
    const onEnd = () => settle(false);
    socket.on("readable", onReadable).on("end", onEnd).on("close", onEnd);
    signal.addEventListener("abort", onEnd);
  });
}
