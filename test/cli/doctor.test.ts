import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import type { Examination, Problem } from "../../server/doctor/examination.ts";
import { lookAtFolder } from "../../server/doctor/folders.ts";
import type { Script } from "../fakes/nvidiaSmi.ts";
import { card, fakeSmi, installSmi } from "../gpu/smi.ts";
import { runCli } from "../server/cli.ts";
import { createInstance } from "../server/instance.ts";

const isWindows = process.platform === "win32";
type Doctor = Examination & { readonly problems: readonly Problem[] };

/** Runs the real command where `nvidia-smi` is the fake that goes by `script`; null: there is none. */
async function examined(
  script: Omit<Script, "startsPath"> | null,
  { args = [], env = {} }: { args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<{ code: number | null; found: Doctor; text: string }> {
  const folder = await mkdtemp(join(tmpdir(), "td-"));
  using smi = fakeSmi(script ?? {});
  if (script !== null) installSmi(smi, folder);
  try {
    const PATH = [folder, "/usr/bin", "/bin"].join(delimiter);
    const cache = join(folder, "cache");
    const run = await runCli(["doctor", "--json", ...args], {
      cwd: folder,
      env: { PATH, TANDEM_CACHE: cache, ...env },
    });
    assert.equal(run.stderr, "");
    return { code: run.code, found: JSON.parse(run.stdout), text: run.stdout };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const told = (found: Doctor) => found.problems.map((it) => `${it.weight}: ${it.what} -> ${it.nextStep}`).join("\n");

test("doctor: two cards, their processes, class, set-up and models", { skip: isWindows }, async () => {
  const { code, found } = await examined({
    cards: [card(0, { "memory.used": "24000", "memory.free": "576" }), card(1)],
    processes: ["GPU-00000000-1111-2222-3333-444444444444, 4242, 23000, /usr/bin/game"],
  });
  assert.deepEqual(
    found.gpus.map((it) => [it.index, it.health, it.pressure, it.driver, it.processes?.length]),
    [
      [0, "ok", "critical", "550.54.14", 1],
      [1, "ok", "normal", "550.54.14", 0],
    ],
  );
  assert.deepEqual(
    [found.tier, found.advice.layout, found.advice.backend],
    ["MULTI_GPU", "one model per card", "llama.cpp"],
  );
  assert.deepEqual(
    found.models.map((it) => [it.role, it.where, it.state]),
    [
      ["draft", "gpu:0", "to-download"],
      ["audit", "gpu:1", "to-download"],
    ],
  );
  assert.match(
    told(found),
    /^warning: GPU 0, NVIDIA GeForce RTX 3090 has only 2 % of its memory free -> .*game, process 4242/m,
  );
  assert.equal(code, 0, "a warning is no failure");
});

const GIB = 1024;
const CHOSEN_WHERE = /does not fit now/;
const crowded = [
  {
    name: "what other programs hold leaves no room for what would be chosen: they are named",
    ...{ used: 14 * GIB, processes: ["GPU-00000000-1111-2222-3333-444444444444, 4242, 13000, /usr/bin/game"] },
    want: /^warning: GPU 0, .* would be put there \(\d+\.\d GB, beside a reserve of 3\.0 GB\) and does not fit now: other programs hold 14\.0 GB of 24\.0 GB \(\/usr\/bin\/game, process 4242: 12\.7 GB\) -> Close a program/m,
  },
  { name: "a desktop's share is in the reserve or beside it", used: 200, processes: [], want: null },
];
for (const { name, used, processes, want } of crowded)
  test(`doctor: ${name}`, { skip: isWindows }, async () => {
    const free = String(24 * GIB - used);
    const { code, found } = await examined({
      cards: [card(0, { "memory.used": String(used), "memory.free": free })],
      processes,
    });
    if (want) assert.match(told(found), want);
    else assert.doesNotMatch(told(found), CHOSEN_WHERE);
    assert.match(found.modelsWhy, /with a reserve of 3 GB kept; by what the card has in all$/);
    assert.equal(code, 0);
  });

const warm = [
  { celsius: "79", want: null },
  { celsius: "82", want: /^warning: GPU 0, .* is hot: 82 °C -> .*fewer models/m },
  { celsius: "88", want: /^warning: GPU 0, .* is critically hot: 88 °C -> .*no new work/m },
];
for (const { celsius, want } of warm)
  test(`doctor: a card at ${celsius} °C`, { skip: isWindows }, async () => {
    const { found } = await examined({ cards: [card(0, { "temperature.gpu": celsius })], processes: [] });
    if (want) assert.match(told(found), want);
    else assert.doesNotMatch(told(found), /hot/);
  });

test("doctor: a variable that is wrong is told as a variable, not as the file", { skip: isWindows }, async () => {
  const { found } = await examined(null, { env: { TANDEM_MEMORY_RESERVE_GB: "many" } });
  assert.match(told(found), /^warning: The variable TANDEM_MEMORY_RESERVE_GB: "many" is no number -> /m);
});

const broken: readonly { name: string; script: Omit<Script, "startsPath">; want: RegExp }[] = [
  {
    name: "a driver that was updated",
    script: { failure: { code: 18, text: "Failed to initialize NVML: Driver/library version mismatch\n" } },
    want: /^error: The GPUs cannot be read: the NVIDIA driver was updated.* -> Restart the machine, or unload/m,
  },
  {
    name: "a driver that hangs",
    script: { afterLists: 0, ending: "hang" },
    want: /^error: .*not answered for 4 s -> Restart the machine/m,
  },
  {
    name: "a card that was lost",
    script: { cards: [card(0, { "memory.used": "[GPU is lost]" })] },
    want: /^error: GPU 0, NVIDIA GeForce RTX 3090: nvidia-smi says "\[GPU is lost\]"/m,
  },
  {
    name: "MIG without instances",
    script: { cards: [card(0, { "mig.mode.current": "Enabled" })] },
    want: /^error: GPU 0, .* is in MIG mode but has no instances.* -> Make instances/m,
  },
];

for (const it of broken)
  test(`doctor: ${it.name} is an error with a next step`, { skip: isWindows }, async () => {
    const { code, found } = await examined(it.script);
    assert.match(told(found), it.want);
    assert.equal(code, 1);
    assert.equal(
      found.tier,
      found.gpus.some((gpu) => gpu.totalBytes !== null && !gpu.isPartitioned) ? "PROSUMER" : "CPU_ONLY",
    );
  });

test("doctor: no GPU is nothing wrong, and nothing is started or made", { skip: isWindows }, async () => {
  await using instance = await createInstance();
  const { code, found } = await examined(null, { env: instance.env });
  assert.deepEqual(
    found.makes.filter((it) => it.vendor === "nvidia").map((it) => it.state),
    process.platform === "darwin" ? [] : ["absent"],
  );
  assert.equal(told(found), "");
  assert.deepEqual([code, found.orchestrator.state, await instance.pid()], [0, "none", null]);
  assert.deepEqual(
    found.folders.map((it) => it.state),
    ["missing", "missing", "missing"],
  );
  assert.ok(found.programs.builds.includes("processor"), "the engine's package is among the dependencies");
});

const settings: readonly { name: string; args: readonly string[]; want: RegExp }[] = [
  {
    name: "a model there is not",
    args: ["--model", "gpt-7"],
    want: /^error: There is no model called gpt-7 for draft -> Run `tandem models`/m,
  },
  {
    name: "a file there is not",
    args: ["--model", "file:/nowhere/a.gguf"],
    want: /^error: There is no model file for draft: file:.*a\.gguf/m,
  },
  {
    name: "a llama-server that is none",
    args: ["--llama-server", "/nowhere/server"],
    want: /^error: The llama-server in the settings, .*server, is no program/m,
  },
];

for (const it of settings)
  test(`doctor: ${it.name} in the settings`, { skip: isWindows }, async () => {
    const { code, found } = await examined(null, { args: it.args });
    assert.match(told(found), it.want);
    assert.equal(code, 1);
  });

test("doctor: an endpoint needs no engine of ours, and no key is shown", { skip: isWindows }, async () => {
  const { found, text } = await examined(null, {
    args: ["--endpoint", "http://127.0.0.1:9", "--model", "theirs"],
    env: { TANDEM_DRAFT_API_KEY: "sk-of-nobody" },
  });
  assert.deepEqual(found.models.map((it) => [it.id, it.where, it.state])[0], [
    "theirs",
    "http://127.0.0.1:9",
    "endpoint",
  ]);
  assert.ok(!text.includes("sk-of-nobody"));
});

test("doctor: for people, problems come last", { skip: isWindows }, async () => {
  await using instance = await createInstance();
  const state = instance.env.TANDEM_STATE ?? "";
  await writeFile(state, "not a folder");
  const run = await runCli(["doctor"], { cwd: instance.folder, env: instance.env });
  const lines = run.stdout.trimEnd().split("\n");
  assert.match(lines[0] ?? "", /^Tandem \d+\.\d+\.\d+, Node \d+/);
  assert.ok(
    lines.some((it) => /^Class +\w+: /.test(it)) && lines.some((it) => /^Orchestrator +none runs/.test(it)),
    run.stdout,
  );
  assert.match(lines.at(-2) ?? "", /^error: The folder for key, journal and log, .*state, is no folder/);
  assert.match(lines.at(-1) ?? "", /^ {2}next step: Remove it, or name another in TANDEM_STATE/);
  assert.equal(run.code, 1);
});

test("folders are looked at and left as they are", { skip: isWindows }, async () => {
  const root = await mkdtemp(join(tmpdir(), "td-"));
  try {
    const at = (name: string) => join(root, name);
    await mkdir(at("ours"), { mode: 0o700 });
    await mkdir(at("open"), { mode: 0o755 });
    await chmod(at("open"), 0o755);
    await writeFile(at("file"), "");
    await symlink(at("ours"), at("link"));
    const states = await Promise.all(
      ["ours", "open", "file", "link", "none", "file/below"].map(
        async (name) => (await lookAtFolder({ what: "sockets", path: at(name), isPrivate: true })).state,
      ),
    );
    assert.deepEqual(states.slice(0, 5), ["ok", "open-to-others", "not-a-folder", "not-a-folder", "missing"]);
    assert.equal(states[5], "not-writable", "nothing can be made below a file");
    assert.equal((await lookAtFolder({ what: "models", path: at("link"), isPrivate: false })).state, "ok");
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("doctor: a card that has nothing to do is not said to be slowed down", { skip: isWindows }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "td-"));
  const heat = { "clocks_throttle_reasons.active": "0x0000000000000041" };
  using smi = fakeSmi({ cards: [card(0), card(1, heat)] });
  installSmi(smi, folder);
  try {
    const PATH = [folder, "/usr/bin", "/bin"].join(delimiter);
    const { stdout } = await runCli(["doctor"], { cwd: folder, env: { PATH, TANDEM_CACHE: join(folder, "cache") } });
    assert.doesNotMatch(stdout, / 0 NVIDIA .*slowed down/);
    assert.match(stdout, / 1 NVIDIA .*, slowed down by: heat,/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
