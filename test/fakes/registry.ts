import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { create } from "tar";

export interface FakePackage {
  readonly name: string;
  readonly version: string;
  /** By path inside the package. */
  readonly files: Readonly<Record<string, Buffer>>;
  /** What goes wrong with requests for the tarball, in order; then all is well. */
  readonly faults?: ("cut" | "stall" | "corrupt" | "missing" | "unavailable")[];
  /** Left out of the packument. */
  readonly hasNoIntegrity?: boolean;
}

/** An npm registry: packuments and tarballs, as much of both as `npm view` and a download need. */
export interface FakeRegistry extends AsyncDisposable {
  readonly url: string;
  /** Names of packages whose tarball was asked for. */
  readonly tarballs: readonly string[];
}

/** `folder` is for packing; it is there while the registry runs. */
export async function startRegistry(packages: readonly FakePackage[], folder: string): Promise<FakeRegistry> {
  const packed = new Map<string, { it: FakePackage; tarball: Buffer; faults: string[] }>();
  for (const it of packages)
    packed.set(it.name, { it, tarball: await pack(it, folder), faults: [...(it.faults ?? [])] });
  const tarballs: string[] = [];
  const server = createServer((request, response) => {
    const [, name = "", file] = decodeURIComponent(request.url ?? "").split("/");
    const found = packed.get(name);
    if (!found)
      return void response.writeHead(404, { "content-type": "application/json" }).end('{"error":"not_found"}');
    const { it, tarball, faults } = found;
    if (file === undefined) {
      const packument = describe(it, tarball, origin());
      return void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(packument));
    }
    tarballs.push(name);
    const fault = faults.shift();
    if (fault === "missing") return void response.writeHead(404).end();
    if (fault === "unavailable") return void response.writeHead(503).end();
    response.writeHead(200, { "content-length": String(tarball.length) });
    if (fault === "corrupt") return void response.end(Buffer.alloc(tarball.length, 7));
    if (fault !== "cut" && fault !== "stall") return void response.end(tarball);
    response.write(tarball.subarray(0, tarball.length >> 1), () => {
      if (fault === "cut") response.destroy();
    });
  });
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: origin(),
    tarballs,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function describe({ name, version, hasNoIntegrity }: FakePackage, tarball: Buffer, origin: string): object {
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  const shasum = createHash("sha1").update(tarball).digest("hex");
  const dist = {
    tarball: `${origin}/${name}/-/${name}-${version}.tgz`,
    shasum,
    integrity: hasNoIntegrity ? `sha1-${Buffer.from(shasum, "hex").toString("base64")}` : integrity,
  };
  return { name, "dist-tags": { latest: version }, versions: { [version]: { name, version, dist } } };
}

async function pack({ name, version, files }: FakePackage, folder: string): Promise<Buffer> {
  const root = join(folder, name);
  const all = { "package.json": Buffer.from(JSON.stringify({ name, version })), ...files };
  for (const [path, bytes] of Object.entries(all)) {
    await mkdir(dirname(join(root, "package", path)), { recursive: true });
    await writeFile(join(root, "package", path), bytes);
  }
  const file = join(folder, `${name}.tgz`);
  await create({ cwd: root, file, gzip: true, portable: true }, ["package"]);
  await rm(root, { recursive: true });
  return readFile(file);
}
