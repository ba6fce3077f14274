import type { ServerResponse } from "node:http";
import type { HttpLimits } from "./limits.ts";

/** An answer in parts, as server-sent events. From its beginning on, silence is filled with comments, so that nobody on the way gives up. */
export interface EventStream extends Disposable {
  /** What the headers are to say. Where silence had to be broken before that was known, comments in the stream say it. */
  announce(headers: Readonly<Record<string, string>>): void;
  /** Whether the status is out: what goes wrong from then on can only be said in the stream. */
  isOpen(): boolean;
  send(data: unknown): void;
  /** Sends what is JSON already. */
  sendJson(json: string): void;
  /** Null: the client takes what it is sent; otherwise resolves when it has done so, or is gone. */
  room(): Promise<void> | null;
  /** Ends the answer after a last event, written as it is. */
  end(last: string): void;
}

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  // nginx and others would hold parts back to fill their buffers.
  "x-accel-buffering": "no",
};

/** A client that does not read is let go, before what it leaves unread fills the memory. */
export function createEventStream(response: ServerResponse, limits: HttpLimits): EventStream {
  let headers: Readonly<Record<string, string>> = {};
  const ping = setInterval(() => write(": ping\n\n"), limits.pingMs);
  let unread: NodeJS.Timeout | undefined;
  let pending = "";
  let taken: PromiseWithResolvers<void> | null = null;

  /** What comes in one go, as a burst of small parts does, goes out in one go. */
  function write(text: string): void {
    if (response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { ...headers, ...HEADERS });
    if (pending === "") process.nextTick(flush);
    pending += text;
  }

  function flush(): void {
    const text = pending;
    pending = "";
    if (text === "" || response.destroyed || response.writableEnded) return;
    ping.refresh();
    if (response.write(text)) return;
    taken ??= Promise.withResolvers();
    if (response.writableLength > limits.unreadBytes) return void response.destroy();
    unread ??= setTimeout(() => response.destroy(), limits.unreadMs);
  }

  function goOn(): void {
    clearTimeout(unread);
    unread = undefined;
    taken?.resolve();
    taken = null;
  }

  response.on("drain", goOn);
  response.on("close", goOn);
  return {
    announce(given) {
      headers = given;
      if (response.headersSent) write(comments(given));
    },
    isOpen: () => response.headersSent,
    send: (data) => write(`data: ${JSON.stringify(data)}\n\n`),
    sendJson: (json) => write(`data: ${json}\n\n`),
    room() {
      flush();
      return taken?.promise ?? null;
    },
    end(last) {
      write(last);
      flush();
      response.end();
    },
    [Symbol.dispose]() {
      clearInterval(ping);
      clearTimeout(unread);
    },
  };
}

function comments(headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `: ${name}: ${value}\n`);
  return `${lines.join("")}\n`;
}
