import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { engineEntry } from "../../server/assets.ts";
import { createReach } from "../../server/backends/reach.ts";
import type { HardwareGpu } from "../../server/core/choose.ts";
import type { Reach, ReachWish } from "../../server/ports.ts";
import { silentLog } from "../fakes/log.ts";

const never = new AbortController().signal;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-reach-"));
});
after(() => rm(folder, { recursive: true, force: true }));

test("the engine's own program says that it can use no GPU that no driver shows", async () => {
  const ask = reach(engineEntry());
  const { gpus, whyNot } = await ask({ executable: null, device: "auto", gpus: [card(0)] }, never);
  // On a machine with GPUs it uses one, and says so.
  assert.equal(gpus.length === 0, whyNot !== null);
  const cuda = await ask({ executable: null, device: "cuda:63", gpus: [] }, never);
  assert.match(cuda.whyNot?.message ?? "", /no such GPU|cannot start on CUDA/);
});

/** Children that say what real ones would on other machines. */
const children = [
  {
    name: "CUDA shows what its variable names",
    reached: { gpu: "cuda", names: ["NVIDIA A", "NVIDIA A"] },
    want: [0, 1],
  },
  { name: "Vulkan may show one of them", reached: { gpu: "vulkan", names: ["Card 1 (RADV)", "Intel"] }, want: [1] },
  {
    name: "Vulkan may show none",
    reached: { gpu: "vulkan", names: ["Intel"] },
    want: [],
    why: /does not show Card 0 and Card 1/,
  },
  { name: "no build can", reached: { gpu: "none", names: [] }, want: [], why: /no engine build/ },
];
for (const { name, reached, want, why } of children)
  test(`the embedded engine: ${name}`, async () => {
    const ask = reach(await child(`process.send(${JSON.stringify({ kind: "reached", ...reached })})`));
    check(await ask(EMBEDDED, never), want, why);
  });

test("an engine that dies of the question is believed to be able: its load says more", async () => {
  check(await reach(await child("process.exit(3)"))(EMBEDDED, never), [0, 1]);
});

const listings = [
  { name: "one that is built for the processor", says: "Available devices:\n", want: [], why: /sees no GPU at all/ },
  { name: "all of them", says: line("CUDA0", "Card 0") + line("CUDA1", "Card 1"), want: [0, 1] },
  { name: "one of two", says: line("Vulkan0", "Card 1"), want: [1] },
  { name: "another make's", says: line("ROCm0", "AMD X"), want: [], why: /sees ROCm0 AMD X$/ },
];
for (const { name, says, want, why } of listings)
  test(`a llama-server that sees ${name}`, async () => {
    const executable = join(folder, `server-${name.replaceAll(" ", "-")}`);
    await writeFile(executable, `#!/bin/sh\ncat <<'END'\n${says}END\n`);
    await chmod(executable, 0o755);
    const cards = [0, 1].map((it) => ({ uuid: `GPU-${it}`, name: `Card ${it}`, totalBytes: null, index: it }));
    check(await reach("", { cards: () => cards })({ ...EMBEDDED, executable }, never), want, why);
  });

test("what can be used is asked once; what cannot is asked again after a minute, and who gives up ends only his own wait", async () => {
  let nowMs = 0;
  const count = join(folder, "asked");
  const note = `require("node:fs").appendFileSync(${JSON.stringify(count)}, "x"); process.send`;
  const ask = reach(await child(`${note}({ kind: "reached", gpu: "none", names: [] })`), {
    clock: { nowMs: () => nowMs },
  });
  const stopped = new AbortController();
  const first = ask(EMBEDDED, stopped.signal);
  const second = ask(EMBEDDED, never);
  stopped.abort();
  await assert.rejects(first, { code: "cancelled" });
  check(await second, [], /no engine build/);
  nowMs = 59_999;
  await ask(EMBEDDED, never);
  assert.equal(await readFile(count, "utf8"), "x");
  nowMs = 60_000;
  await ask(EMBEDDED, never);
  assert.equal(await readFile(count, "utf8"), "xx");
});

const EMBEDDED: ReachWish = { executable: null, device: "auto", gpus: [card(0), card(1)] };

function check({ gpus, whyNot }: Reach, want: readonly number[], why?: RegExp): void {
  assert.deepEqual(
    gpus.map((it) => it.index),
    want,
  );
  if (why) assert.match(whyNot?.message ?? "nothing", why);
  else assert.equal(whyNot, null);
}

function reach(childPath: string, changes: Partial<Parameters<typeof createReach>[0]> = {}) {
  return createReach({
    log: silentLog,
    clock: { nowMs: () => 0 },
    childPath,
    builds: null,
    cards: () => [],
    ...changes,
  });
}

/** A program that answers the first message so. */
let programs = 0;
async function child(answer: string): Promise<string> {
  const path = join(folder, `child-${++programs}.cjs`);
  await writeFile(path, `process.on("message", (it) => { if (it.kind === "leave") process.exit(0); ${answer} });`);
  return path;
}

function line(name: string, description: string): string {
  return `  ${name}: ${description} (24000 MiB, 23000 MiB free)\n`;
}

function card(index: number): HardwareGpu {
  return { id: `gpu:${index}`, uuid: `GPU-${index}`, vendor: "nvidia", index, name: `Card ${index}`, vramBytes: 24e9 };
}
