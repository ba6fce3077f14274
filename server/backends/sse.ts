import { TandemError } from "../errors.ts";

/** llama-server's last event repeats the prompt, so events get as long as prompts do. */
const MAX_EVENT_CHARS = 32 * 1024 * 1024;

/** One server-sent event. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
}

/**
 * Cuts a body of bytes into server-sent events (WHATWG HTML, section 9.2.6): CR, LF and CRLF end lines, also when a chunk
 * ends between CR and LF or inside a UTF-8 character; several `data` lines join with a line feed; comments are dropped.
 * An event without its closing blank line is dropped, as the standard says: whoever reads must know a whole stream by its content.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent, void, void> {
  for await (const events of readEventsTogether(body)) yield* events;
}

/** The same; what comes in one go is given in one go. */
export async function* readEventsTogether(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly SseEvent[], void, void> {
  const decoder = new TextDecoder();
  const lines = createLineCutter();
  let data: string[] = [];
  let event = "message";
  let heldChars = 0;
  for await (const bytes of body) {
    const events: SseEvent[] = [];
    for (const line of lines.add(decoder.decode(bytes, { stream: true }))) {
      heldChars += line.length;
      if (line === "") {
        if (data.length > 0) events.push({ event, data: data.join("\n") });
        data = [];
        event = "message";
        heldChars = 0;
      } else {
        const [field, value] = fieldOf(line);
        if (field === "data") data.push(value);
        // llama.cpp before 2024 and some gateways send `error: {…}` as a field of its own.
        else if (field === "error") events.push({ event: "error", data: value });
        else if (field === "event") event = value;
      }
    }
    if (events.length > 0) yield events;
    if (heldChars + lines.pendingChars() > MAX_EVENT_CHARS)
      throw new TandemError(
        "provider",
        "The endpoint sent an endless event",
        "Check that the address is a language model server's",
      );
  }
}

function fieldOf(line: string): readonly [field: string, value: string] {
  // Nearly all of them are.
  if (line.startsWith("data: ")) return ["data", line.slice("data: ".length)];
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(" ") ? value.slice(1) : value];
}

function createLineCutter(): { add(text: string): readonly string[]; pendingChars(): number } {
  let parts: string[] = [];
  let pendingChars = 0;
  let endedWithCr = false;
  function take(end: string): string {
    const line = parts.join("") + end;
    parts = [];
    pendingChars = 0;
    return line;
  }
  return {
    pendingChars: () => pendingChars,
    add(text) {
      if (text === "") return [];
      // The line feed of a CRLF that was cut in two belongs to the line already given out.
      const rest = endedWithCr && text.startsWith("\n") ? text.slice(1) : text;
      endedWithCr = text.endsWith("\r");
      const cut = rest.split(/\r\n|\n|\r/);
      const last = cut.pop() ?? "";
      const lines = cut.map((line, index) => (index === 0 ? take(line) : line));
      parts.push(last);
      pendingChars += last.length;
      return lines;
    },
  };
}
