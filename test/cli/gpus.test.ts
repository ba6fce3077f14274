import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import type { Script } from "../fakes/nvidiaSmi.ts";
import { card, fakeSmi, installSmi } from "../gpu/smi.ts";
import { runCli, startCli } from "../server/cli.ts";
import { createInstance } from "../server/instance.ts";

const POSIX = { skip: process.platform !== "linux" };
const FULL = { "memory.used": "24000", "memory.free": "576", "temperature.gpu": "84" };
const GAME = "GPU-00000000-1111-2222-3333-444444444444, 4242, 20480, /usr/bin/game";

async function machine(script: Omit<Script, "startsPath"> | null) {
  const folder = await mkdtemp(join(tmpdir(), "td-"));
  const smi = fakeSmi(script ?? {});
  if (script !== null) installSmi(smi, folder);
  return {
    folder,
    smi,
    PATH: [folder, "/usr/bin", "/bin"].join(delimiter),
    async [Symbol.asyncDispose]() {
      smi[Symbol.dispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const shown: readonly { name: string; script: Omit<Script, "startsPath"> | null; want: readonly RegExp[] }[] = [
  {
    name: "two cards, one full and hot, and who holds what",
    script: { cards: [card(0, FULL), card(1)], processes: [GAME] },
    want: [
      /^0 +NVIDIA GeForce RTX 3090 +ok +23\.4 GB of 24\.0 GB 98 % +critical +37 % +84 °C hot +122 of 350 W +1695\/9501 MHz +nothing$/m,
      /^ +program +game +20\.0 GB$/m,
      /^ +the rest: desktop, driver, or hidden +3\.4 GB$/m,
      /^1 +NVIDIA GeForce RTX 3090 +ok +5\.0 GB of 24\.0 GB 21 % +normal/m,
      /^warning: GPU 0, NVIDIA GeForce RTX 3090 has only 2 % of its memory free\n {2}next step: /m,
    ],
  },
  {
    name: "a card that was lost beside one that works",
    script: { cards: [card(0), card(1, { "memory.used": "[GPU is lost]" })] },
    want: [/^0 .* ok /m, /^1 .* broken +\? of 24\.0 GB +- /m, /^error: GPU 1, .*GPU is lost/m],
  },
  {
    name: "a driver that was updated",
    script: { failure: { code: 18, text: "Failed to initialize NVML: Driver/library version mismatch\n" } },
    want: [/^No GPU can be read\.\nnvidia: broken, the NVIDIA driver was updated/],
  },
  { name: "none", script: null, want: [/^No GPU can be read\.\nnvidia: absent, there is no nvidia-smi/] },
];

for (const it of shown)
  test(`tandem gpus: ${it.name}`, POSIX, async () => {
    await using site = await machine(it.script);
    await using instance = await createInstance({ PATH: site.PATH });
    const run = await runCli(["gpus"], { cwd: site.folder, env: instance.env });
    assert.deepEqual([run.code, run.stderr], [0, ""]);
    for (const want of it.want) assert.match(run.stdout, want);
    assert.equal(await instance.pid(), null, "nothing was started");
  });

test(
  "tandem gpus --watch goes on, by one orchestrator and readers that stay, until it is told to stop",
  POSIX,
  async () => {
    await using site = await machine({ cards: [card(0, FULL)], processes: [GAME] });
    await using instance = await createInstance({ PATH: site.PATH });
    const running = startCli(["gpus", "--watch", "--json"], { cwd: site.folder, env: instance.env });
    const seen: unknown[] = [];
    for await (const line of running.lines) {
      const { gpus } = JSON.parse(line);
      seen.push(gpus[0]?.health);
      if (seen.length === 3) break;
    }
    assert.deepEqual(seen, ["ok", "ok", "ok"]);
    const { length } = site.smi.starts().filter((it) => it.asked.startsWith("--query-gpu"));
    assert.ok(length <= 2, "one to place engines by, and one that stays");
    running.process.kill("SIGINT");
    const { stderr } = await running.ended;
    assert.equal(stderr, "");
  },
);
