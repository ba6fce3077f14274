import type { Readable } from "node:stream";
import { EnvHttpProxyAgent, request } from "undici";
import { trustSystemCertificates } from "../certificates.ts";
import { abortError } from "../errors.ts";
import { fromNetwork, SourceError } from "./failure.ts";

export interface Environment {
  readonly [name: string]: string | undefined;
}

export interface Limits {
  /** Until a connection stands; short, because an offline machine must get on with what it has. */
  readonly connectMs: number;
  /** Without a byte, before headers or in the body. */
  readonly idleMs: number;
}

export const LIMITS: Limits = { connectMs: 5_000, idleMs: 30_000 };

export interface Reply {
  readonly status: number;
  /** Lower-case names; repeated headers keep their first value. */
  readonly headers: ReadonlyMap<string, string>;
  /** Headers of every reply on the way, the first one first: hubs describe the file where they redirect from. */
  readonly trail: readonly ReadonlyMap<string, string>[];
  /** Whoever asked reads it or discards it. */
  readonly body: Readable;
}

export interface Http extends AsyncDisposable {
  get(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Reply>;
  /** One reply, redirects not followed. The body is thrown away. */
  peek(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Omit<Reply, "body">>;
}

const MAX_REDIRECTS = 5;
/** What is read of a body nobody wants before the connection is cut instead. */
const DISCARD_BYTES = 64 * 1024;

/**
 * HTTP for large files: the environment's proxies, redirects followed by hand so that a token never leaves the origin it
 * was meant for. Throws SourceError; when `signal` fires, what it stands for.
 */
export function createHttp(limits: Limits, env: Environment): Http {
  trustSystemCertificates();
  const agent = new EnvHttpProxyAgent({
    httpProxy: env.http_proxy ?? env.HTTP_PROXY ?? "",
    httpsProxy: env.https_proxy ?? env.HTTPS_PROXY ?? "",
    noProxy: env.no_proxy ?? env.NO_PROXY ?? "",
    connectTimeout: limits.connectMs,
    connect: { timeout: limits.connectMs },
    headersTimeout: limits.idleMs,
    bodyTimeout: limits.idleMs,
  });

  async function ask(method: "GET" | "HEAD", url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal) {
    try {
      const { statusCode, headers: raw, body } = await request(url, { method, headers, signal, dispatcher: agent });
      return { status: statusCode, headers: flatten(raw), body };
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      throw fromNetwork(error, url.host);
    }
  }

  return {
    async get(first, headers, signal) {
      const trail: ReadonlyMap<string, string>[] = [];
      let url = first;
      let sent = headers;
      for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
        const reply = await ask("GET", url, sent, signal);
        trail.push(reply.headers);
        const location = reply.headers.get("location");
        if (reply.status < 300 || reply.status >= 400 || location === undefined) return { ...reply, trail };
        await reply.body.dump({ limit: DISCARD_BYTES });
        const next = target(location, url);
        if (next.origin !== url.origin) sent = withoutToken(sent);
        url = next;
      }
      throw new SourceError("refused", `${first.host} redirects in circles`);
    },
    async peek(url, headers, signal) {
      const { status, headers: answered, body } = await ask("HEAD", url, headers, signal);
      await body.dump({ limit: DISCARD_BYTES });
      return { status, headers: answered, trail: [answered] };
    },
    async [Symbol.asyncDispose]() {
      await agent.destroy();
    },
  };
}

/** Ends a body nobody reads on. Destroying it makes it emit an error, which without a listener would end the process. */
export function discard(body: Readable): void {
  body.on("error", () => {});
  body.destroy();
}

function target(location: string, from: URL): URL {
  const url = URL.parse(location, from.href);
  if (!url || !/^https?:$/.test(url.protocol)) throw new SourceError("refused", `${from.host} redirects to no address`);
  if (from.protocol === "https:" && url.protocol === "http:")
    throw new SourceError("refused", `${from.host} redirects to an address without encryption`);
  return url;
}

function withoutToken(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "authorization"));
}

function flatten(raw: Readonly<Record<string, string | string[] | undefined>>): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(raw)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) headers.set(name.toLowerCase(), first);
  }
  return headers;
}
