import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import type { Source } from "../../server/models/catalogue.ts";
import { type FakePackage, startRegistry } from "../fakes/registry.ts";
import { bytesOf, ensure, entryOf, grown, makePlace } from "./place.ts";

const one = bytesOf(150_000, 1);
const two = bytesOf(90_000, 2);
const body = Buffer.concat([one, two]);
const source: Source = {
  kind: "npm",
  packages: [
    { name: "part-one", version: "0.1.0", file: "data/model.part", bytes: one.length },
    { name: "part-two", version: "0.1.0", file: "data/model.part", bytes: two.length },
  ],
};
const noise = { "README.md": Buffer.from("# a model\n"), "zzz.txt": bytesOf(40_000, 3) };

interface Case {
  readonly name: string;
  readonly one?: Partial<FakePackage>;
  readonly two?: Partial<FakePackage>;
  readonly isPublished?: boolean;
  /** What an earlier run left. */
  readonly part?: Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly want: { readonly tarballs: readonly string[] } | { readonly error: RegExp };
}

const cases: readonly Case[] = [
  { name: "two packages make one file", want: { tarballs: ["part-one", "part-two"] } },
  {
    name: "a broken connection starts that package again",
    two: { faults: ["cut", "unavailable"] },
    want: { tarballs: ["part-one", "part-two", "part-two", "part-two"] },
  },
  { name: "a whole first package is kept", part: body.subarray(0, 170_000), want: { tarballs: ["part-two"] } },
  { name: "a piece of the first is not", part: one.subarray(0, 70_000), want: { tarballs: ["part-one", "part-two"] } },
  {
    name: "a damaged part is found out at the end, and all is fetched again, once",
    part: bytesOf(160_000, 8),
    want: { tarballs: ["part-two", "part-one", "part-two"] },
  },
  {
    name: "a tarball that is none",
    one: { faults: ["corrupt"] },
    want: { error: /part-one (cannot be unpacked|does not hold)/ },
  },
  {
    name: "another file inside",
    two: { files: { "data/model.part": bytesOf(two.length, 9) } },
    want: { error: /not the file that was expected/ },
  },
  { name: "no such file inside", two: { files: noise }, want: { error: /part-two does not hold/ } },
  {
    name: "a file of another size inside",
    two: { files: { "data/model.part": bytesOf(two.length + 1, 2) } },
    want: { error: /part-two does not hold/ },
  },
  { name: "the tarball is gone", one: { faults: ["missing"] }, want: { error: /does not have it \(404\)/ } },
  { name: "no SHA-512", one: { hasNoIntegrity: true }, want: { error: /no SHA-512/ } },
  { name: "never published", isPublished: false, want: { error: /does not give it \(E404\)/ } },
  {
    name: "no registry",
    env: { npm_config_registry: "http://127.0.0.1:9" },
    want: { error: /could not ask its registry \(ECONNREFUSED\)/ },
  },
  { name: "no npm", env: { npm_execpath: "", PATH: "", Path: "" }, want: { error: /npm was not found/ } },
];

for (const it of cases) test(it.name, () => check(it));

test("cancelled in the middle of a tarball, then run again", async () => {
  await using at = await prepare({ two: { faults: ["stall"] } });
  const stop = new AbortController();
  void grown(at.place, "m", one.length + 1).then(() => stop.abort());
  await assert.rejects(
    ensure(at.place, at.wanted, stop.signal),
    (error) => error instanceof TandemError && error.code === "cancelled",
  );
  const got = await ensure(at.place, at.wanted);
  assert.deepEqual(await readFile(got.path), body);
  assert.deepEqual(at.registry.tarballs, ["part-one", "part-two", "part-two"]);
});

async function prepare(it: Pick<Case, "one" | "two" | "isPublished" | "env">) {
  await using made = new AsyncDisposableStack();
  const place = made.use(await makePlace());
  const packing = made.use(await makePlace());
  const packages: readonly FakePackage[] = [
    { name: "part-one", version: "0.1.0", files: { ...noise, "data/model.part": one }, ...it.one },
    { name: "part-two", version: "0.1.0", files: { ...noise, "data/model.part": two }, ...it.two },
  ];
  const registry = made.use(await startRegistry(it.isPublished === false ? [] : packages, packing.folder));
  const env = {
    ...process.env,
    npm_config_registry: registry.url,
    npm_config_cache: join(packing.folder, "cache"),
    http_proxy: "",
    HTTP_PROXY: "",
    ...it.env,
  };
  const stack = made.move();
  const wanted = { id: "m", catalogue: [entryOf("m", body, [source])], env };
  return { place, registry, wanted, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function check(it: Case): Promise<void> {
  await using at = await prepare(it);
  const { place, registry, wanted } = at;
  if (it.part) {
    await mkdir(dirname(place.path("m")), { recursive: true });
    await writeFile(`${place.path("m")}.part`, it.part);
  }
  if ("error" in it.want) {
    const { error } = it.want;
    await assert.rejects(ensure(place, wanted), (thrown) => {
      assert.ok(thrown instanceof TandemError, String(thrown));
      assert.equal(thrown.code, "model-unavailable");
      assert.match(thrown.message, error);
      return true;
    });
    return;
  }
  const got = await ensure(place, wanted);
  assert.deepEqual(await readFile(got.path), body);
  assert.deepEqual(registry.tarballs, it.want.tarballs);
  assert.deepEqual((await readdir(dirname(got.path))).toSorted(), ["m.gguf", "m.gguf.json", "m.lock"]);
}
