import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { abortError } from "../errors.ts";
import { fromNetwork, SourceError } from "./failure.ts";
import { discard, type Http, type Reply } from "./http.ts";
import { checkStatus, type Expected, linkedFile } from "./hub.ts";
import type { PartFile } from "./part.ts";

export interface UrlJob {
  readonly http: Http;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly expected: Expected;
  readonly part: PartFile;
  readonly partPath: string;
  readonly onBytes: (bytes: number) => void;
}

/**
 * One request for what is missing of the file. A part that is already there is continued when the server still has the
 * same file and can; else it starts again. Returns when the part has all bytes and their hash is right.
 */
export async function downloadUrl(job: UrlJob, signal: AbortSignal): Promise<void> {
  const { part, expected, url } = job;
  if (part.bytes > expected.bytes) await part.cutTo(0, signal);
  if (part.bytes < expected.bytes) await receive(job, signal);
  if (part.sha256() === expected.sha256) return;
  const isResumed = part.resumedBytes > 0;
  await part.cutTo(0, signal);
  // What an earlier run left may have been damaged; a file that came in one go and is wrong will be wrong again.
  throw new SourceError("wrong-content", `what ${url.host} sent is not the file that was expected`, {
    isPassing: isResumed,
  });
}

async function receive(job: UrlJob, signal: AbortSignal): Promise<void> {
  const { http, url, expected, part, partPath, onBytes } = job;
  const etag = part.bytes > 0 ? await readEtag(partPath) : null;
  const reply = await http.get(url, { ...job.headers, ...rangeHeaders(part.bytes, etag) }, signal);
  try {
    await settle(job, reply, signal);
    await writeEtag(partPath, reply.headers.get("etag") ?? null);
    for await (const chunk of reply.body) {
      if (part.bytes + chunk.byteLength > expected.bytes) throw tooLong(url);
      await part.append(chunk);
      onBytes(part.bytes);
    }
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    throw fromNetwork(error, url.host);
  } finally {
    discard(reply.body);
  }
  if (part.bytes < expected.bytes)
    throw new SourceError("unreachable", `${url.host} broke off before the end`, { isPassing: true });
}

/** Brings the part to where the reply's body starts, or throws when the reply is not a piece of the expected file. */
async function settle({ url, part, expected }: UrlJob, reply: Reply, signal: AbortSignal): Promise<void> {
  if (reply.status === 416) {
    await part.cutTo(0, signal);
    throw new SourceError("unreachable", `${url.host} could not continue the file`, { isPassing: true });
  }
  checkStatus(reply, url);
  if (reply.headers.get("content-type")?.startsWith("text/html"))
    throw new SourceError("refused", `${url.host} answered with a web page (does the network want you to sign in?)`);
  const linked = linkedFile(reply);
  if (linked && linked.sha256 !== expected.sha256)
    throw new SourceError("wrong-content", `${url.host} has another file under this name than the one expected`);
  if (reply.status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(reply.headers.get("content-range") ?? "");
    if (range && Number(range[1]) === part.bytes) return checkLength(range[2], expected, url);
    await part.cutTo(0, signal);
    throw new SourceError("unreachable", `${url.host} sent another piece than was asked for`, { isPassing: true });
  }
  if (reply.status !== 200) throw new SourceError("refused", `${url.host} answered ${reply.status}`);
  checkLength(reply.headers.get("content-length"), expected, url);
  if (part.bytes > 0) await part.cutTo(0, signal);
}

/** Sees a login page or a changed file before gigabytes of it are fetched. */
function checkLength(stated: string | undefined, expected: Expected, url: URL): void {
  if (stated === undefined || stated === "*" || Number(stated) === expected.bytes) return;
  throw new SourceError(
    "wrong-content",
    `${url.host} offers ${Number(stated)} bytes where the model has ${expected.bytes}`,
  );
}

function tooLong(url: URL): SourceError {
  return new SourceError("wrong-content", `${url.host} sends more than the model's size`);
}

/** `If-Range` makes a server whose file has changed send the new one whole. Weak tags cannot be used for it (RFC 9110, 13.1.5). */
function rangeHeaders(bytes: number, etag: string | null): Record<string, string> {
  if (bytes === 0) return {};
  return { range: `bytes=${bytes}-`, ...(etag !== null && !etag.startsWith("W/") && { "if-range": etag }) };
}

const Note = z.object({ etag: z.string().max(1_000).nullable() });

async function readEtag(partPath: string): Promise<string | null> {
  try {
    return Note.parse(JSON.parse(await readFile(`${partPath}.json`, "utf8"))).etag;
  } catch {
    // No note, or a damaged one: the hash at the end decides anyway.
    return null;
  }
}

async function writeEtag(partPath: string, etag: string | null): Promise<void> {
  await writeFile(`${partPath}.json`, JSON.stringify({ etag } satisfies z.input<typeof Note>));
}
