import { z } from "zod";
import { abortError } from "../errors.ts";
import { fromNetwork, SourceError } from "./failure.ts";
import { discard, type Environment, type Http, type Reply } from "./http.ts";

/** What a finished file must be. */
export interface Expected {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

const HUB = "https://huggingface.co";

/** Where the hub is asked: `HF_ENDPOINT` names a mirror, as for every other client of this hub. */
export function hubUrl(url: string, env: Environment): URL {
  const mirror = env.HF_ENDPOINT?.trim();
  const asked = new URL(url);
  if (!mirror || asked.origin !== HUB) return asked;
  const base = URL.parse(mirror);
  if (!base || !/^https?:$/.test(base.protocol))
    throw new SourceError("refused", `HF_ENDPOINT is "${mirror}", which is not a web address`);
  return new URL(base.pathname.replace(/\/$/, "") + asked.pathname + asked.search, base.origin);
}

/** `HF_TOKEN` as the header it is sent in; it goes to the hub or its mirror, and to nobody else. */
export function hubHeaders(url: string, env: Environment): Record<string, string> {
  const headers = { "accept-encoding": "identity", "user-agent": "tandem" };
  if (!env.HF_TOKEN || new URL(url).origin !== HUB) return headers;
  return { ...headers, authorization: `Bearer ${env.HF_TOKEN}` };
}

/** What the hub says of a large file in the headers of its redirect, which also name the file's hash; null when it does not. */
export function linkedFile(reply: Pick<Reply, "trail">): Expected | null {
  for (const headers of reply.trail) {
    const sha256 = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(headers.get("x-linked-etag") ?? "")?.[1];
    const bytes = Number(headers.get("x-linked-size"));
    if (sha256 && Number.isSafeInteger(bytes) && bytes > 0) return { sha256, bytes };
  }
  return null;
}

const Tree = z.array(
  z.object({
    path: z.string(),
    lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().positive() }).optional(),
  }),
);

/** A folder's listing is some kilobytes; more than this is not one. */
const MAX_LISTING_BYTES = 4_000_000;

/** Size and hash as the hub itself states them, for files whose hash is not known beforehand. Throws SourceError. */
export async function askHub(
  {
    http,
    url,
    headers,
  }: { readonly http: Http; readonly url: URL; readonly headers: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<Expected> {
  const reply = await http.peek(url, headers, signal);
  checkStatus(reply, url);
  const linked = linkedFile(reply);
  if (linked) return linked;
  const listed = await askListing({ http, url, headers }, signal);
  if (listed) return listed;
  throw new SourceError("refused", `${url.host} states no hash for the file, so it could not be verified`);
}

async function askListing(
  {
    http,
    url,
    headers,
  }: { readonly http: Http; readonly url: URL; readonly headers: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<Expected | null> {
  const parts = /^(.*)\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
  if (!parts) return null;
  const [, prefix = "", repository = "", revision = "", file = ""] = parts;
  const folder = file.includes("/") ? `/${file.slice(0, file.lastIndexOf("/"))}` : "";
  const listing = new URL(`${prefix}/api/models/${repository}/tree/${revision}${folder}`, url.origin);
  const reply = await http.get(listing, headers, signal);
  const tree = Tree.safeParse(parseJson(await readText(reply, listing, signal)));
  const entry = tree.success ? tree.data.find((it) => it.path === decodeURIComponent(file)) : undefined;
  return entry?.lfs ? { sha256: entry.lfs.oid, bytes: entry.lfs.size } : null;
}

async function readText(reply: Reply, url: URL, signal: AbortSignal): Promise<string> {
  try {
    checkStatus(reply, url);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of reply.body) {
      bytes += chunk.byteLength;
      if (bytes > MAX_LISTING_BYTES) throw new SourceError("refused", `${url.host} sent an endless listing`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    throw fromNetwork(error, url.host);
  } finally {
    discard(reply.body);
  }
}

/** Throws what an error status means for us; 2xx and 3xx pass. */
export function checkStatus({ status, headers }: Pick<Reply, "status" | "headers">, url: URL): void {
  if (status < 400) return;
  if (status === 408 || status === 429 || status >= 500)
    throw new SourceError("unreachable", `${url.host} answered ${status}`, {
      isPassing: true,
      retryAfterMs: retryAfterMs(headers.get("retry-after")),
    });
  if (status === 401 || status === 403)
    throw new SourceError("refused", `${url.host} does not allow it (${status}); HF_TOKEN can name an access token`);
  throw new SourceError("refused", `${url.host} does not have it (${status})`);
}

function retryAfterMs(header: string | undefined): number | null {
  if (header === undefined || !/^\d{1,6}$/.test(header)) return null;
  return Number(header) * 1_000;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is as good as no listing: null does not have a listing's shape.
    return null;
  }
}
