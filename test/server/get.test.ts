import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { toWanted } from "../../server/cli/get.ts";
import { TandemError } from "../../server/errors.ts";
import { findCudaRuntime } from "../../server/getting/cudaRuntime.ts";
import { THINGS } from "../../server/getting/things.ts";
import { builds } from "../../server/protocol/builds.ts";
import { runCli } from "./cli.ts";
import { createInstance, type Instance } from "./instance.ts";

let cwd: string;
let instance: Instance;
before(async () => {
  cwd = await mkdtemp(join(tmpdir(), "tandem-get-"));
  instance = await createInstance();
});
after(async () => {
  await instance?.[Symbol.asyncDispose]();
  await rm(cwd, { recursive: true, force: true });
});

const cli = (...args: readonly string[]) => runCli(args, { cwd, env: { ...instance.env, TANDEM_CACHE: cwd } });
const mine = THINGS.filter((it) => it.platform === `${process.platform}-${process.arch}`);

test("what can be fetched for this machine, as a table and as JSON", async () => {
  const { stdout, code } = await cli("get");
  assert.equal(code, 0);
  for (const it of mine) assert.ok(stdout.includes(it.title), stdout);
  const list = builds.result.parse(JSON.parse((await cli("get", "--json")).stdout));
  assert.deepEqual(
    list.builds.map((it) => [it.id, it.build, it.isHere]),
    mine.map((it) => [it.id, it.build, false]),
  );
  for (const it of list.builds) assert.ok(it.folder.startsWith(cwd));
});

const isServed = mine.some((it) => it.id === "llama-server");

test("where nobody can be asked, the size is told and nothing comes", async () => {
  const { stdout, code } = await cli("get", "llama-server", "--json");
  const said = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  const want = isServed
    ? { code: "bad-input", message: /Nobody can be asked .*: \d+ MB from github\.com\/ggml-org/ }
    : { code: "not-configured", message: /no llama-server to be fetched/ };
  assert.match(said.message, want.message);
  assert.deepEqual([code, said.code], [1, want.code]);
});

const wanted: readonly { words: readonly string[]; flags: Parameters<typeof toWanted>[1]; want: unknown }[] = [
  { words: [], flags: {}, want: null },
  { words: ["cuda"], flags: { yes: true }, want: { id: "cuda", build: null, isAgreed: true } },
  {
    words: ["llama-server"],
    flags: { build: "vulkan" },
    want: { id: "llama-server", build: "vulkan", isAgreed: false },
  },
  { words: ["vllm"], flags: { yes: true }, want: /nothing to be fetched by the name "vllm"/ },
  { words: ["cuda", "now"], flags: {}, want: /by the name "cuda now"/ },
  { words: ["llama-server"], flags: { build: "opencl" }, want: /no build for "opencl"/ },
  { words: [], flags: { yes: true }, want: /not said/ },
];
for (const { words, flags, want } of wanted)
  test(`tandem get ${words.join(" ")} ${JSON.stringify(flags)}`, () => {
    if (want instanceof RegExp)
      assert.throws(
        () => toWanted(words, flags),
        (error) => error instanceof TandemError && want.test(error.message),
      );
    else assert.deepEqual(toWanted(words, flags), want);
  });

test("CUDA without its libraries is refused with how to get them, however much one agrees", async (t) => {
  const { platform, arch, env } = process;
  if ((platform !== "linux" && platform !== "win32") || arch !== "x64") return t.skip("not here: there is none for it");
  if (await findCudaRuntime(platform, env)) return t.skip("not here: its libraries are");
  const { stdout, stderr } = await cli("get", "cuda", "--yes", "--json");
  assert.notEqual(stdout, "", stderr);
  const said = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  assert.equal(said.code, "not-configured");
  assert.match(said.nextStep, /CUDA/);
});
