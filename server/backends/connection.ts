import { Agent } from "undici";
import { trustSystemCertificates } from "../certificates.ts";
import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import type { Address } from "./address.ts";
import { tooLate } from "./watchdog.ts";

/** A 200 of `/props` or an error is a few kB; a router's list of models some hundred. */
const MAX_SHORT_BYTES = 4 * 1024 * 1024;
/** Some hundred vectors of 4,096 numbers in decimal digits, or the longest answer with its probabilities. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;
/** A server that died keeps nobody waiting for a reused connection. */
const KEEP_ALIVE_MS = 4_000;

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** HTTP to one endpoint. Every error is a TandemError; `brokeOff` tells which are worth another try. */
export interface Connection extends AsyncDisposable {
  get(url: string, signal: AbortSignal): Promise<Reply>;
  post(url: string, body: unknown, signal: AbortSignal): Promise<Reply>;
}

export function openConnection(given: { address: Address; apiKey: string; connectMs: number }): Connection {
  if (given.address.root.startsWith("https:")) trustSystemCertificates();
  // Time-outs on headers and body are the caller's: it knows a first token from the following ones.
  const agent = new Agent({
    connect: { timeout: given.connectMs },
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    allowH2: false,
  });
  const auth = given.apiKey === "" ? {} : { authorization: `Bearer ${given.apiKey}` };
  async function send(method: "GET" | "POST", target: string, body: string | null, signal: AbortSignal) {
    throwIfAborted(signal);
    const url = new URL(target);
    try {
      const reply = await agent.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { accept: "application/json, text/event-stream", "content-type": "application/json", ...auth },
        body,
        signal,
      });
      return { status: reply.statusCode, headers: reply.headers, body: reply.body };
    } catch (cause) {
      if (signal.aborted) throw abortError(signal);
      const { address, connectMs } = given;
      throw hasCode(cause, "UND_ERR_CONNECT_TIMEOUT")
        ? tooLate(address.host, "connect", connectMs, cause)
        : transportError(cause, address.host);
    }
  }
  return {
    get: (url, signal) => send("GET", url, null, signal),
    post: (url, body, signal) => send("POST", url, JSON.stringify(body), signal),
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

/** A short body as text; what is beyond the limit is left out. */
export async function readShort(reply: Reply, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of reply.body) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes > MAX_SHORT_BYTES) break;
    }
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    // The beginning of a refusal still says more than that it broke off.
    if (chunks.length === 0) throw error;
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** A whole body as text. Throws TandemError provider where it is longer than anything that was asked for, or breaks off. */
export async function readWhole(reply: Reply, host: string, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of reply.body) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes <= MAX_WHOLE_BYTES) continue;
      throw new TandemError("provider", `The answer of ${host} does not end`, "Ask for less at once");
    }
  } catch (error) {
    throw signal.aborted ? abortError(signal) : transportError(error, host);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const BROKEN: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

/** Whether the connection broke, rather than the server refusing it or the name being wrong. */
export function brokeOff(error: unknown): boolean {
  return codesOf(error).some((code) => BROKEN.has(code));
}

/** Whether nobody is at the other end. */
export function isRefused(error: unknown): boolean {
  return hasCode(error, "ECONNREFUSED");
}

function hasCode(error: unknown, code: string): boolean {
  return codesOf(error).includes(code);
}

/** What a door is told of a server that is not there, as against one that answers nonsense. */
const DOWN = { isDown: true };

/** A failed connection in words. `cause` is whatever undici threw. */
export function transportError(cause: unknown, host: string): TandemError {
  if (cause instanceof TandemError) return cause;
  const codes = codesOf(cause);
  const is = (...wanted: readonly string[]) => codes.some((code) => wanted.includes(code));
  if (is("ECONNREFUSED"))
    return new TandemError(
      "provider",
      `Nothing listens at ${host}`,
      "Is the server running? Start it, or correct the endpoint",
      { cause, details: DOWN },
    );
  if (is("ENOTFOUND", "EAI_AGAIN"))
    return new TandemError(
      "provider",
      `There is no host ${host}`,
      "Correct the endpoint's address, or check the network",
      { cause, details: DOWN },
    );
  if (is("ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"))
    return new TandemError("provider", `${host} cannot be reached`, "Is the machine up, and is the address right?", {
      cause,
      details: DOWN,
    });
  const why = codes[0] ?? (cause instanceof Error ? cause.message : String(cause));
  return new TandemError(
    "provider",
    `The connection to ${host} broke (${why})`,
    "Look at the server's own log, then run it again",
    { cause, details: DOWN },
  );
}

/** The error's code and those of its causes. */
function codesOf(error: unknown): readonly string[] {
  const codes: string[] = [];
  for (let it = error, depth = 0; it instanceof Error && depth < 5; it = it.cause, depth++)
    if ("code" in it && typeof it.code === "string") codes.push(it.code);
  return codes;
}
