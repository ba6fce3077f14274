import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import { type Fault, type HubFile, sha256, startHub } from "../fakes/hub.ts";
import { bytesOf, ensure, entryOf, grown, makePlace, onHub } from "./place.ts";

const body = bytesOf(300_000);
const other = bytesOf(300_000, 7);
const never = () => new Promise<void>(() => {});
const { path, source } = onHub("m");
const limits = { connectMs: 2_000, idleMs: 200 };

interface Case {
  readonly name: string;
  readonly file?: Partial<HubFile>;
  readonly faults?: readonly Fault[];
  /** The connection breaks each time so much of the file is here. */
  readonly cutAt?: readonly number[];
  /** What an earlier run left: the part, and the ETag it noted. */
  readonly part?: { readonly bytes: Buffer; readonly etag: string | null };
  /** The catalogue has no hash, so the hub's counts. */
  readonly isUnhashed?: boolean;
  readonly isMissing?: boolean;
  readonly want: { readonly ranges: readonly (string | null)[]; readonly waits?: number } | { readonly error: RegExp };
  readonly waitsMs?: readonly number[];
}

const cases: readonly Case[] = [
  { name: "a plain download", want: { ranges: [null] } },
  { name: "slowly, in small pieces", faults: [{ kind: "drip", pieceBytes: 7_001 }], want: { ranges: [null] } },
  {
    name: "a connection cut twice is continued where it broke",
    cutAt: [100_000, 150_000],
    want: { ranges: [null, "bytes=100000-", "bytes=150000-"], waits: 2 },
  },
  {
    name: "a silent connection is given up and continued",
    faults: [{ kind: "stall", afterBytes: 90_000, until: never }],
    want: { ranges: [null, "bytes=90000-"], waits: 1 },
  },
  {
    name: "a part of an earlier run is continued",
    part: { bytes: body.subarray(0, 200_000), etag: `"${sha256(body)}"` },
    want: { ranges: ["bytes=200000-"] },
  },
  {
    name: "a part whose ETag was not noted is continued too: the hash decides",
    part: { bytes: body.subarray(0, 200_000), etag: null },
    want: { ranges: ["bytes=200000-"] },
  },
  {
    name: "a whole part needs no request for bytes",
    part: { bytes: body, etag: null },
    want: { ranges: [] },
  },
  {
    name: "a server without ranges starts again",
    part: { bytes: body.subarray(0, 200_000), etag: null },
    faults: [{ kind: "no-range" }],
    want: { ranges: ["bytes=200000-"] },
  },
  {
    name: "the ETag has changed in between: it starts again",
    part: { bytes: other.subarray(0, 200_000), etag: '"before"' },
    want: { ranges: ["bytes=200000-"] },
  },
  {
    name: "a damaged part is found out at the end and fetched anew, once",
    part: { bytes: other.subarray(0, 200_000), etag: null },
    want: { ranges: ["bytes=200000-", null], waits: 1 },
  },
  {
    name: "a part longer than the file",
    part: { bytes: bytesOf(400_000, 3), etag: null },
    want: { ranges: [null] },
  },
  {
    name: "a piece that was not asked for is not used",
    part: { bytes: body.subarray(0, 200_000), etag: null },
    faults: [{ kind: "wrong-piece" }],
    want: { ranges: ["bytes=200000-", null], waits: 1 },
  },
  {
    name: "an overloaded server is waited for as long as it says",
    faults: [{ kind: "status", status: 503, retryAfterS: 2 }],
    want: { ranges: [null, null] },
    waitsMs: [2_000],
  },
  {
    name: "waits grow",
    faults: [1, 2, 3].map(() => ({ kind: "status", status: 502 })),
    want: { ranges: [null, null, null, null] },
    waitsMs: [1_000, 2_000, 4_000],
  },
  {
    name: "a server that stays broken",
    faults: Array.from({ length: 9 }, () => ({ kind: "status", status: 500 })),
    want: { error: /answered 500/ },
  },
  {
    name: "a server that wants an hour",
    faults: [{ kind: "status", status: 503, retryAfterS: 3_600 }],
    want: { error: /answered 503/ },
  },
  { name: "no such file", isMissing: true, want: { error: /does not have it \(404\)/ } },
  { name: "not allowed", faults: [{ kind: "status", status: 403 }], want: { error: /HF_TOKEN/ } },
  { name: "a sign-in page instead of the file", faults: [{ kind: "web-page" }], want: { error: /sign in/ } },
  { name: "wrong bytes of the right length", file: { sent: other }, want: { error: /is not the file/ } },
  { name: "too few bytes", file: { sent: body.subarray(0, 10) }, want: { error: /offers 10 bytes/ } },
  {
    name: "the hub says beforehand that it has another file",
    file: { linked: { sha256: sha256(other), bytes: other.length } },
    want: { error: /another file under this name/ },
  },
  { name: "without a hash of ours, the redirect's counts", isUnhashed: true, want: { ranges: [null] } },
  {
    name: "without a hash of ours and in the redirect, the listing's counts",
    isUnhashed: true,
    file: { linked: "none" },
    want: { ranges: [null] },
  },
  {
    name: "without any hash nothing is downloaded",
    isUnhashed: true,
    file: { linked: "none", isListed: false },
    want: { error: /could not be verified/ },
  },
  {
    name: "without a hash of ours, wrong bytes are still seen",
    isUnhashed: true,
    file: { sent: other },
    want: { error: /is not the file/ },
  },
];

for (const it of cases) test(it.name, () => check(it));

async function check({ file, cutAt = [], part, isUnhashed, isMissing, want, waitsMs, ...it }: Case): Promise<void> {
  await using hub = await startHub();
  await using place = await makePlace();
  const cuts = cutAt.map((bytes, index): Fault => {
    return { kind: "drop", afterBytes: bytes - (cutAt[index - 1] ?? 0), until: () => grown(place, "m", bytes) };
  });
  if (!isMissing) hub.serve(path, { body, ...file, faults: it.faults ?? cuts });
  if (part) {
    await mkdir(dirname(place.path("m")), { recursive: true });
    await writeFile(`${place.path("m")}.part`, part.bytes);
    if (part.etag !== null) await writeFile(`${place.path("m")}.part.json`, JSON.stringify({ etag: part.etag }));
  }
  const entry = { ...entryOf("m", body, [source]), ...(isUnhashed && { sha256: null, bytes: 299_000 }) };
  const wanted = { id: "m", catalogue: [entry], env: { HF_ENDPOINT: hub.url }, limits };
  if ("error" in want) {
    await assert.rejects(ensure(place, wanted), (error) => {
      assert.ok(error instanceof TandemError, String(error));
      assert.equal(error.code, "model-unavailable");
      assert.match(error.message, want.error);
      assert.notEqual(error.nextStep, "");
      return true;
    });
    assert.ok(!existsSync(place.path("m")));
    return;
  }
  const got = await ensure(place, wanted);
  assert.deepEqual(await readFile(got.path), body);
  assert.deepEqual(
    hub.fetches().map((request) => request.range),
    want.ranges,
  );
  if (waitsMs) assert.deepEqual(got.waitsMs, waitsMs);
  else assert.equal(got.waitsMs.length, want.waits ?? 0);
  const last = got.progress.at(-1);
  assert.equal(last?.doneBytes, body.length);
  assert.deepEqual((await readdir(dirname(got.path))).toSorted(), ["m.gguf", "m.gguf.json", "m.lock"]);

  const before = hub.requests.length;
  assert.equal((await ensure(place, wanted)).path, got.path);
  assert.equal(hub.requests.length, before, "a cached model needs no request");
}

test("a token goes to the hub and not to where it redirects", async () => {
  await using hub = await startHub();
  await using place = await makePlace();
  hub.serve(path, { body });
  const env = { HF_ENDPOINT: hub.url, HF_TOKEN: "hf_secret" };
  await ensure(place, { id: "m", catalogue: [entryOf("m", body, [source])], env });
  const sent = hub.requests.map((it) => [it.server, it.authorization]);
  assert.deepEqual(sent, [
    ["hub", "Bearer hf_secret"],
    ["network", null],
  ]);
});

test("cancelled half-way: cancelled, and the next run goes on", async () => {
  await using hub = await startHub();
  await using place = await makePlace();
  hub.serve(path, { body, faults: [{ kind: "stall", afterBytes: 120_000, until: never }] });
  const wanted = { id: "m", catalogue: [entryOf("m", body, [source])], env: { HF_ENDPOINT: hub.url } };
  const stop = new AbortController();
  void grown(place, "m", 120_000).then(() => stop.abort());
  await assert.rejects(
    ensure(place, wanted, stop.signal),
    (error) => error instanceof TandemError && error.code === "cancelled",
  );
  assert.equal((await readFile(`${place.path("m")}.part`)).length, 120_000);
  await ensure(place, wanted);
  assert.deepEqual(
    hub.fetches().map((it) => it.range),
    [null, "bytes=120000-"],
  );
});

test("too little space: said before a byte is fetched, with what is missing", async () => {
  await using hub = await startHub();
  await using place = await makePlace();
  hub.serve(path, { body });
  const wanted = { id: "m", catalogue: [entryOf("m", body, [source])], env: { HF_ENDPOINT: hub.url } };
  await assert.rejects(ensure(place, { ...wanted, freeBytes: async () => 150_000_000 }), (error) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.code, "no-space");
    assert.match(error.message, /51 MB more must be free/);
    return true;
  });
  assert.equal(hub.requests.length, 0);
});

if (process.platform === "linux")
  test("the disk becomes full meanwhile", async () => {
    await using hub = await startHub();
    await using place = await makePlace();
    hub.serve(path, { body });
    await mkdir(dirname(place.path("m")), { recursive: true });
    await symlink("/dev/full", `${place.path("m")}.part`);
    const wanted = { id: "m", catalogue: [entryOf("m", body, [source])], env: { HF_ENDPOINT: hub.url } };
    await assert.rejects(ensure(place, wanted), (error) => error instanceof TandemError && error.code === "no-space");
  });
