import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What goes wrong with one request for a file's bytes; they are used up in order, then all is well. */
export type Fault =
  | { readonly kind: "status"; readonly status: number; readonly retryAfterS?: number }
  /** The connection is cut after so many bytes of the body, once `until` is over. */
  | { readonly kind: "drop"; readonly afterBytes: number; readonly until: () => Promise<void> }
  /** Nothing more comes after so many bytes until `until` is over. */
  | { readonly kind: "stall"; readonly afterBytes: number; readonly until: () => Promise<void> }
  | { readonly kind: "drip"; readonly pieceBytes: number }
  /** Sends the whole file whatever was asked. */
  | { readonly kind: "no-range" }
  /** Answers a range request with another piece. */
  | { readonly kind: "wrong-piece" }
  | { readonly kind: "web-page" };

export interface HubFile {
  readonly body: Buffer;
  /** Of the bytes as the delivery network serves them. */
  readonly etag?: string;
  /** Whether the redirect states hash and size; as the body's unless given. */
  readonly linked?: "none" | { readonly sha256: string; readonly bytes: number };
  /** Whether the repository's listing names the file. */
  readonly isListed?: boolean;
  /** What is really sent, where it is not `body`. */
  readonly sent?: Buffer;
  readonly faults?: readonly Fault[];
}

export interface HubRequest {
  readonly server: "hub" | "network";
  readonly method: string;
  readonly path: string;
  readonly range: string | null;
  readonly ifRange: string | null;
  readonly authorization: string | null;
}

/**
 * A model hub as Hugging Face's answers: `/<owner>/<repo>/resolve/<revision>/<file>` redirects, stating hash and size, to
 * a delivery network of another origin that knows ranges; `/api/models/<repo>/tree/<revision>` lists files.
 */
export interface FakeHub extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly HubRequest[];
  /** Requests for bytes. */
  fetches(): readonly HubRequest[];
  serve(path: string, file: HubFile): void;
}

export async function startHub(): Promise<FakeHub> {
  const files = new Map<string, { file: HubFile; faults: Fault[] }>();
  const requests: HubRequest[] = [];
  const note = (server: HubRequest["server"], request: IncomingMessage) =>
    requests.push({
      server,
      method: request.method ?? "",
      path: request.url ?? "",
      range: request.headers.range ?? null,
      ifRange: request.headers["if-range"]?.toString() ?? null,
      authorization: request.headers.authorization ?? null,
    });

  const network = createServer((request, response) => {
    note("network", request);
    const entry = files.get(request.url ?? "");
    if (!entry) return void response.writeHead(404).end();
    sendBytes(request, response, entry.file, entry.faults.shift() ?? null).catch(() => response.destroy());
  });
  const hub = createServer((request, response) => {
    note("hub", request);
    const path = request.url ?? "";
    if (path.startsWith("/api/models/")) return sendListing(path, response, files);
    const entry = files.get(path);
    if (!entry) return void response.writeHead(404, { "content-type": "text/plain" }).end("Entry not found");
    const { body, linked = { sha256: sha256(body), bytes: body.length } } = entry.file;
    const stated = linked !== "none" && {
      "x-linked-etag": `"${linked.sha256}"`,
      "x-linked-size": String(linked.bytes),
      "x-xet-hash": "0".repeat(64),
    };
    const location = `${origin(network)}${path}`;
    response.writeHead(302, { location, "accept-ranges": "bytes", ...stated }).end(`Found. Redirecting to ${location}`);
  });
  await Promise.all([listen(hub), listen(network)]);

  return {
    url: origin(hub),
    requests,
    fetches: () => requests.filter((it) => it.server === "network"),
    serve: (path, file) => void files.set(path, { file, faults: [...(file.faults ?? [])] }),
    async [Symbol.asyncDispose]() {
      await Promise.all([close(hub), close(network)]);
    },
  };
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  file: HubFile,
  fault: Fault | null,
): Promise<void> {
  const body = file.sent ?? file.body;
  const etag = file.etag ?? `"${sha256(file.body)}"`;
  if (fault?.kind === "status") {
    const wait = fault.retryAfterS !== undefined && { "retry-after": String(fault.retryAfterS) };
    return void response.writeHead(fault.status, { ...wait }).end();
  }
  if (fault?.kind === "web-page")
    return void response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<h1>Sign in</h1>");
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
  const isSame = request.headers["if-range"] === undefined || request.headers["if-range"] === etag;
  let start = asked !== undefined && isSame && fault?.kind !== "no-range" ? Number(asked) : null;
  if (start !== null && start >= body.length)
    return void response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
  if (start !== null && fault?.kind === "wrong-piece") start += 1;
  const bytes = body.subarray(start ?? 0);
  const range = start !== null && { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` };
  response.writeHead(start === null ? 200 : 206, { etag, "content-length": String(bytes.length), ...range });
  await sendBody(response, bytes, fault);
}

async function sendBody(response: ServerResponse, bytes: Buffer, fault: Fault | null): Promise<void> {
  switch (fault?.kind) {
    case "drop":
      await write(response, bytes.subarray(0, fault.afterBytes));
      await fault.until();
      return void response.destroy();
    case "stall":
      await write(response, bytes.subarray(0, fault.afterBytes));
      await fault.until();
      return void response.end(bytes.subarray(fault.afterBytes));
    case "drip":
      for (let at = 0; at < bytes.length; at += fault.pieceBytes)
        await write(response, bytes.subarray(at, at + fault.pieceBytes));
      return void response.end();
    default:
      response.end(bytes);
  }
}

function write(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(bytes, (error) => (error ? reject(error) : setImmediate(resolve)));
  });
}

function sendListing(path: string, response: ServerResponse, files: ReadonlyMap<string, { file: HubFile }>): void {
  const [, repository = "", revision = ""] = /^\/api\/models\/([^/]+\/[^/]+)\/tree\/([^/]+)/.exec(path) ?? [];
  const prefix = `/${repository}/resolve/${revision}/`;
  const listing = [...files]
    .filter(([name, { file }]) => name.startsWith(prefix) && file.isListed !== false)
    .map(([name, { file }]) => ({
      type: "file",
      oid: "1".repeat(40),
      size: file.body.length,
      lfs: { oid: sha256(file.body), size: file.body.length, pointerSize: 135 },
      path: name.slice(prefix.length),
    }));
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(listing));
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

function origin(server: Server): string {
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}
