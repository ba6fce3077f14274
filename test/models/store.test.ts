import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import { createModelStore } from "../../server/models/store.ts";
import { startHub } from "../fakes/hub.ts";
import { bytesOf, ensure, entryOf, makePlace, onHub, type Place, silent } from "./place.ts";

const big = bytesOf(200_000, 1);
const small = bytesOf(100_000, 2);
const catalogue = [entryOf("big", big, [onHub("big").source]), entryOf("small", small, [onHub("small").source])];
/** Nobody listens on the discard port. */
const NOWHERE = "http://127.0.0.1:9";

interface Case {
  readonly name: string;
  readonly inCache?: readonly ("big" | "small")[];
  readonly onHub?: readonly ("big" | "small")[];
  readonly hasBegun?: boolean;
  readonly isWrong?: boolean;
  readonly endpoint?: string;
  readonly substitute?: string;
  readonly want:
    | { readonly path: "big" | "small"; readonly why: RegExp | null; readonly requests: number }
    | { readonly error: RegExp };
}

const cases: readonly Case[] = [
  { name: "in the cache: no request", inCache: ["big"], want: { path: "big", why: null, requests: 0 } },
  {
    name: "nothing of it here but its substitute: that one, no request, and how to get the other",
    inCache: ["small"],
    onHub: ["big", "small"],
    want: { path: "small", why: /not on this machine.*"tandem models pull big"/, requests: 0 },
  },
  {
    name: "a begun download goes on, though the substitute is here",
    inCache: ["small"],
    onHub: ["big"],
    hasBegun: true,
    want: { path: "big", why: null, requests: 2 },
  },
  {
    name: "neither is here: the one asked for",
    onHub: ["big", "small"],
    want: { path: "big", why: null, requests: 2 },
  },
  {
    name: "the hub does not have it: the substitute",
    onHub: ["small"],
    want: { path: "small", why: /could not be downloaded \(.*404\)/, requests: 3 },
  },
  {
    name: "a begun download, the hub gone, the substitute here",
    inCache: ["small"],
    hasBegun: true,
    endpoint: NOWHERE,
    want: { path: "small", why: /refused the connection/, requests: 0 },
  },
  {
    name: "wrong content is not papered over by a substitute",
    onHub: ["big", "small"],
    isWrong: true,
    want: { error: /not the file that was expected/ },
  },
  {
    name: "the hub cannot be reached: both reasons are said",
    endpoint: NOWHERE,
    want: { error: /Model big could not be downloaded: .*refused.*; nor could Model small: .*refused/ },
  },
  {
    name: "no such name",
    endpoint: "http://hub.invalid",
    substitute: "",
    want: { error: /the name hub.invalid could not be looked up/ },
  },
  { name: "an endpoint that is no address", endpoint: "hub", substitute: "", want: { error: /HF_ENDPOINT is "hub"/ } },
];

for (const it of cases)
  test(it.name, async () => {
    await using hub = await startHub();
    await using place = await makePlace();
    for (const id of it.onHub ?? []) {
      const body = id === "big" ? big : small;
      hub.serve(onHub(id).path, { body, ...(it.isWrong && { sent: bytesOf(body.length, 9) }) });
    }
    for (const id of it.inCache ?? []) await put(place, id, id === "big" ? big : small);
    if (it.hasBegun) await put(place, "big", big.subarray(0, 1_000), ".part");
    const env = { HF_ENDPOINT: it.endpoint ?? hub.url };
    const substitute = it.substitute ?? "small";
    const got = ensure(place, { id: "big", ...(substitute && { substitute }), catalogue, env });
    if ("error" in it.want) {
      await assert.rejects(got, unavailable(it.want.error));
      return;
    }
    const { path, substituted, waitsMs } = await got;
    assert.equal(path, place.path(it.want.path));
    if (it.want.why) assert.match(substituted ?? "", it.want.why);
    else assert.equal(substituted, null);
    assert.equal(hub.requests.length, it.want.requests);
    assert.deepEqual(waitsMs, []);
  });

test("a cached file is not hashed again, and noticed when it has changed", async () => {
  await using hub = await startHub();
  await using place = await makePlace();
  hub.serve(onHub("big").path, { body: big });
  const env = { HF_ENDPOINT: hub.url };
  const path = place.path("big");
  const run = async () => {
    const before = hub.fetches().length;
    await ensure(place, { id: "big", catalogue, env });
    assert.deepEqual(await readFile(path), big);
    return hub.fetches().length - before;
  };
  assert.equal(await run(), 1);
  assert.equal(await run(), 0);

  const { atime, mtime } = await stat(path);
  await writeFile(path, big.subarray(0, 5_000));
  await utimes(path, atime, mtime);
  assert.equal(await run(), 1, "cut short");

  await writeFile(path, bytesOf(big.length, 5));
  assert.equal(await run(), 1, "other bytes of the same length");

  await writeFile(path, big);
  assert.equal(await run(), 0, "the right bytes, put there by hand");
});

test("isCached tells without reading the file", async () => {
  await using place = await makePlace();
  const store = createModelStore({ folder: place.folder, log: silent, clock: { nowMs: () => 0 }, catalogue });
  assert.equal(await store.isCached("big"), false);
  assert.equal(await store.isCached("nonesuch"), false);
  await put(place, "big", big);
  await store.ensure("big", null, () => {}, AbortSignal.timeout(5_000));
  assert.equal(await store.isCached("big"), true);
  assert.equal(store.folder, dirname(place.path("big")));
});

test("what cannot be understood is refused with what there is", async () => {
  await using place = await makePlace();
  await assert.rejects(ensure(place, { id: "nonesuch", catalogue }), unavailable(/no model called "nonesuch"/));
  await assert.rejects(ensure(place, { id: "big", catalogue }, AbortSignal.abort()), (error) => {
    return error instanceof TandemError && error.code === "cancelled";
  });
});

test("a proxy of the environment is used, and NO_PROXY keeps from it", async () => {
  await using hub = await startHub();
  await using place = await makePlace();
  hub.serve(onHub("big").path, { body: big });
  const env = { HF_ENDPOINT: hub.url, http_proxy: NOWHERE };
  await assert.rejects(ensure(place, { id: "big", catalogue, env }), unavailable(/refused the connection/));
  assert.equal(hub.requests.length, 0);
  await ensure(place, { id: "big", catalogue, env: { ...env, no_proxy: "127.0.0.1" } });
});

test("a hub that takes the connection and says nothing is given up at once", async () => {
  await using place = await makePlace();
  const silentServer = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silentServer, "listening");
  const address = silentServer.address();
  assert.ok(address !== null && typeof address === "object");
  const env = { HF_ENDPOINT: `https://127.0.0.1:${address.port}` };
  const limits = { connectMs: 200, idleMs: 10_000 };
  const got = ensure(place, { id: "big", catalogue, env, limits });
  await assert.rejects(got, unavailable(/did not answer in time/));
  silentServer.close();
});

test("a cache folder that cannot be used", async () => {
  await using place = await makePlace();
  await writeFile(`${place.folder}/models`, "in the way");
  await assert.rejects(ensure(place, { id: "big", catalogue }), unavailable(/cannot be written to/));
});

async function put(place: Place, id: string, bytes: Buffer, suffix = ""): Promise<void> {
  const path = place.path(id) + suffix;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

function unavailable(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof TandemError, String(error));
    assert.equal(error.code, "model-unavailable");
    assert.match(error.message, message);
    assert.notEqual(error.nextStep, "");
    return true;
  };
}
