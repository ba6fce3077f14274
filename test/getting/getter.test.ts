import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { create } from "tar";
import { TandemError } from "../../server/errors.ts";
import { findCudaRuntime } from "../../server/getting/cudaRuntime.ts";
import { createGetter, type GetterDeps } from "../../server/getting/getter.ts";
import { type Download, THINGS, type Thing } from "../../server/getting/things.ts";
import type { DownloadProgress } from "../../server/protocol/models.ts";
import { type FakeHub, type Fault, sha256, startHub } from "../fakes/hub.ts";
import { silentLog } from "../fakes/log.ts";
import { type FakePackage, startRegistry } from "../fakes/registry.ts";
import { bytesOf } from "../models/place.ts";

const never = new AbortController().signal;
const RELEASE = "/maker/builds/resolve/v1/server.tar.gz";

let root: string;
let hub: FakeHub;
let release: Buffer;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "tandem-getting-"));
  hub = await startHub();
  release = await packRelease();
});
after(async () => {
  await hub?.[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

/** As llama.cpp packs its releases: all in one folder, libraries with links. */
async function packRelease(): Promise<Buffer> {
  const folder = join(root, "release", "llama-v1");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "llama-server"), "#!/bin/sh\necho version: 1\n", { mode: 0o755 });
  await writeFile(join(folder, "libx.so.1.0"), bytesOf(200_000));
  await symlink("libx.so.1.0", join(folder, "libx.so"));
  const file = join(root, "release.tar.gz");
  await create({ cwd: join(root, "release"), file, gzip: true, portable: true }, ["llama-v1"]);
  return readFile(file);
}

function thingOf(downloads: readonly Download[], id: Thing["id"] = "llama-server"): Thing {
  return {
    ...{ id, build: "vulkan", platform: "linux-x64", title: "llama-server v1", source: "somewhere", licence: "MIT" },
    ...{ downloads, unpackedBytes: 1_000_000, folder: "llama-server-v1" },
    program: id === "cuda" ? null : "llama-server",
  };
}

function releaseThing(changes: Partial<Download> = {}): Thing {
  const from = { kind: "url", url: `${hub.url}${RELEASE}` } as const;
  const file = { bytes: release.length, sha256: sha256(release), kind: "tar.gz", top: "llama-v1", folder: "" } as const;
  return thingOf([{ ...file, from, ...changes }]);
}

let folders = 0;
function getterFor(things: readonly Thing[], changes: Partial<GetterDeps> = {}) {
  const folder = join(root, `engines-${++folders}`);
  const deps: GetterDeps = {
    ...{ folder, log: silentLog, clock: { nowMs: () => performance.now() }, platform: "linux", arch: "x64" },
    ...{ env: {}, things, freeBytes: async () => 1e12, delay: async () => undefined, ...changes },
  };
  return { folder, getter: createGetter(deps) };
}

const failsWith = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof TandemError && error.code === code && message.test(error.message);

test("a release is fetched, checked, and lies there with its program; a second time nothing is asked for", async () => {
  hub.serve(RELEASE, { body: release });
  const thing = releaseThing();
  const { getter, folder } = getterFor([thing]);
  assert.deepEqual(
    (await getter.offers()).map((it) => it.isHere),
    [false],
  );
  const heard: DownloadProgress[] = [];
  const offer = await getter.get(thing, (it) => heard.push(it), never);
  assert.equal(offer.program, join(folder, "llama-server-v1", "llama-server"));
  assert.ok(((await stat(offer.program)).mode & 0o111) !== 0);
  assert.equal((await readFile(join(offer.folder, "libx.so"))).length, 200_000);
  assert.equal(heard.at(-1)?.doneBytes, release.length);
  assert.deepEqual(
    (await readdir(folder)).filter((it) => !it.endsWith(".lock")),
    ["llama-server-v1"],
  );
  const before = hub.requests.length;
  assert.equal((await getter.get(thing, () => undefined, never)).isHere, true);
  assert.equal(hub.requests.length, before);
});

test("a connection that breaks is gone on with where it broke", async () => {
  const thing = releaseThing();
  const { getter, folder } = getterFor([thing]);
  const faults: Fault[] = [{ kind: "drop", afterBytes: 60_000, until: () => hasBytes(folder, 60_000) }];
  hub.serve(RELEASE, { body: release, faults });
  const before = hub.fetches().length;
  await getter.get(thing, () => undefined, never);
  const ranges = hub
    .fetches()
    .slice(before)
    .map((it) => it.range);
  assert.equal(ranges[0], null);
  assert.match(ranges.at(-1) ?? "", /^bytes=\d+-$/);
});

test("what is not what was written down is not unpacked, and not kept", async () => {
  const other = Buffer.from(release);
  other[other.length >> 1] = (other[other.length >> 1] ?? 0) ^ 1;
  hub.serve(RELEASE, { body: other, linked: "none" });
  const thing = releaseThing();
  const { getter, folder } = getterFor([thing]);
  await assert.rejects(
    getter.get(thing, () => undefined, never),
    failsWith("provider", /is not the file that was expected/),
  );
  assert.deepEqual(
    (await readdir(folder)).filter((it) => !it.endsWith(".lock")),
    [],
  );
});

test("a disk that is too small is told before anything is fetched", async () => {
  const thing = releaseThing();
  const { getter } = getterFor([thing], { freeBytes: async () => 1_000 });
  const before = hub.requests.length;
  await assert.rejects(
    getter.get(thing, () => undefined, never),
    failsWith("no-space", /takes 202 MB/),
  );
  assert.equal(hub.requests.length, before);
});

test("only what is for this machine is offered", async () => {
  const names = async (platform: NodeJS.Platform, arch: string) =>
    (await getterFor(THINGS, { platform, arch }).getter.offers()).map((it) => `${it.thing.id} ${it.thing.build}`);
  assert.deepEqual(await names("linux", "x64"), ["cuda cuda", "llama-server vulkan", "llama-server cpu"]);
  assert.deepEqual(await names("darwin", "arm64"), ["llama-server metal"]);
  assert.deepEqual(await names("win32", "x64"), [
    "cuda cuda",
    "llama-server vulkan",
    "llama-server cuda",
    "llama-server cpu",
  ]);
  assert.deepEqual(await names("freebsd", "x64"), []);
});

test("every hash has the length of a hash, and every address is an encrypted one", () => {
  for (const { downloads } of THINGS)
    for (const { sha256: hash, from, bytes } of downloads) {
      assert.match(hash, /^[0-9a-f]{64}$/);
      assert.ok(bytes > 1_000_000);
      if (from.kind === "url") assert.match(from.url, /^https:\/\/github\.com\/ggml-org\/llama\.cpp\/releases\//);
      else assert.match(from.sha512, /^[A-Za-z0-9+/]{86}==$/);
    }
});

test("packages of the registry: each in a folder of its name, with the hash that both the registry and we know", async () => {
  const packages = ["build-cuda", "build-cuda-ext"].map(packageOf);
  await using registry = await startRegistry(packages, root);
  const thing = await packagesThing(registry.url);
  const { getter, folder } = getterFor([thing], { env: npmEnvironment(registry.url) });
  const { isHere } = await getter.get(thing, () => undefined, never);
  assert.equal(isHere, true);
  for (const name of ["build-cuda", "build-cuda-ext"]) {
    const text = await readFile(join(folder, thing.folder, name, "dist", "index.js"), "utf8");
    assert.equal(text, `export const name = "${name}";`);
  }
});

test("a registry that states another hash than the one written down gives nothing", async () => {
  await using registry = await startRegistry([packageOf("build-cuda")], root);
  const thing = await packagesThing(registry.url, { sha512: `${"A".repeat(86)}==` });
  const { getter } = getterFor([thing], { env: npmEnvironment(registry.url) });
  await assert.rejects(
    getter.get(thing, () => undefined, never),
    failsWith("provider", /states another hash of build-cuda/),
  );
  assert.equal(registry.tarballs.length, 1, "only the test itself fetched one");
});

test("without CUDA's own libraries the embedded engine's CUDA is no use, and that is said first", async () => {
  const libraries = join(root, "libraries");
  await mkdir(libraries, { recursive: true });
  const env = { LD_LIBRARY_PATH: libraries };
  const thing = thingOf([], "cuda");
  const trouble = async () => (await getterFor([thing], { env }).getter.offers())[0]?.trouble ?? null;
  const isInstalled = (await findCudaRuntime("linux", {})) !== null;
  if (!isInstalled) assert.match((await trouble())?.reason ?? "", /cudart and cublas/);
  await writeFile(join(libraries, "libcudart.so.12"), "");
  if (!isInstalled) assert.notEqual(await trouble(), null);
  await writeFile(join(libraries, "libcublas.so.12"), "");
  assert.equal(await trouble(), null);
});

/** Until what is being fetched has so many bytes on the disk. */
async function hasBytes(folder: string, bytes: number): Promise<void> {
  for (;;) {
    const found = await stat(join(folder, "llama-server-v1-0.download.part")).catch(() => null);
    if (found && found.size >= bytes) return;
    await new Promise(setImmediate);
  }
}

function packageOf(name: string): FakePackage {
  return { name, version: "1.0.0", files: { "dist/index.js": Buffer.from(`export const name = "${name}";`) } };
}

function npmEnvironment(registry: string) {
  return { ...process.env, npm_config_registry: registry, npm_config_cache: join(root, "npm") };
}

/** What the registry serves, written down as it is now. */
async function packagesThing(registry: string, changes: { readonly sha512?: string } = {}): Promise<Thing> {
  const downloads: Download[] = [];
  for (const name of ["build-cuda", "build-cuda-ext"]) {
    const reply = await fetch(`${registry}/${name}/-/${name}-1.0.0.tgz`);
    if (!reply.ok) continue;
    const body = Buffer.from(await reply.arrayBuffer());
    const sha512 = createHash("sha512").update(body).digest("base64");
    const from = { kind: "npm", name, version: "1.0.0", sha512, ...changes } as const;
    downloads.push({ bytes: body.length, sha256: sha256(body), kind: "tar.gz", top: "package", from, folder: name });
  }
  return { ...thingOf(downloads, "cuda"), folder: "engine-1.0.0" };
}
