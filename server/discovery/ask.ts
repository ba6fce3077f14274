import { trustSystemCertificates } from "../certificates.ts";

/** What a server said to one GET. */
export interface Said {
  readonly status: number;
  /** Its `Server` header, in small letters. */
  readonly server: string;
  /** Null: no JSON, or too much of it. */
  readonly body: unknown;
}

/** A gateway to a whole hub lists thousands of models. */
const MOST_BYTES = 4 * 1024 * 1024;

/** Asks without any key, and follows no redirection: what is found may be anything. Null: no answer. Never throws. */
export async function ask(url: string, signal: AbortSignal): Promise<Said | null> {
  const isSecure = url.startsWith("https:");
  if (isSecure) trustSystemCertificates();
  // Read here: Node brings a second HTTP client along with this module, which a start need not pay for.
  const { request } = isSecure ? await import("node:https") : await import("node:http");
  const { promise, resolve } = Promise.withResolvers<Said | null>();
  const asked = request(url, { signal, agent: false, headers: { accept: "application/json" } }, (reply) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    reply.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) reply.destroy();
      else chunks.push(chunk);
    });
    reply.on("error", () => resolve(null));
    reply.on("close", () => resolve(null));
    reply.on("end", () =>
      resolve({
        status: reply.statusCode ?? 0,
        server: String(reply.headers.server ?? "").toLowerCase(),
        body: parsed(Buffer.concat(chunks).toString("utf8")),
      }),
    );
  });
  asked.on("error", () => resolve(null));
  asked.end();
  return promise;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
