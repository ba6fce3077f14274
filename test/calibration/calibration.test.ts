import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Calibration, createCalibration, type LoadOf, type Noted } from "../../server/calibration/calibration.ts";
import { corrected, originText } from "../../server/core/correction.ts";
import { DEFAULT_PLAN } from "../../server/core/estimatePlan.ts";
import { silentLog } from "../fakes/log.ts";

const GIB = 1024 ** 3;
const file = { path: "/models/a.gguf", bytes: 5 * GIB, modifiedMs: 1_700_000_000_000.25 };
const other = { ...file, path: "/models/b.gguf" };
const of: LoadOf & { backend: string } = {
  file,
  plan: { ...DEFAULT_PLAN, contextTokens: 8_192, gpus: [{ id: "GPU-a", share: 1 }] },
  backend: "llama-server",
};

const differences: readonly { name: string; of: LoadOf; device?: string; isKnown: boolean }[] = [
  { name: "the same load", of, isKnown: true },
  { name: "whichever backend", of: { ...of, backend: null }, isKnown: true },
  {
    name: "another share that is the whole as well",
    of: planned({ gpus: [{ id: "GPU-a", share: 7 }] }),
    isKnown: true,
  },
  { name: "another backend", of: { ...of, backend: "embedded" }, isKnown: false },
  { name: "another file", of: { ...of, file: other }, isKnown: false },
  { name: "the same file, written anew", of: { ...of, file: { ...file, modifiedMs: 1 } }, isKnown: false },
  { name: "another context", of: planned({ contextTokens: 4_096 }), isKnown: false },
  { name: "other keys and values", of: planned({ keyType: "q8_0" }), isKnown: false },
  { name: "fewer layers on the GPU", of: planned({ gpuLayers: 10 }), isKnown: false },
  { name: "another GPU", of, device: "GPU-b", isKnown: false },
];

test("a load corrects the next estimate of the same, and of nothing else, across restarts", async () => {
  await using place = await makePlace();
  await place.calibration.note(noted({ estimated: 5, measured: 5.06 }));
  const learnt = await place.again().learnt();
  for (const it of differences) {
    const correction = learnt.correction(it.of, it.device ?? "GPU-a");
    assert.equal(correction.origin.kind, it.isKnown ? "same" : "none", it.name);
  }
  const correction = learnt.correction(of, "GPU-a");
  assert.equal(originText(correction), "corrected by 1 load of it, +1.2 %");
  assert.equal(corrected(5 * GIB, correction), Math.ceil(5.06 * GIB));
  assert.equal(learnt.loadMs(file, "GPU-a"), 4_000);
  assert.equal(learnt.loadMs(other, "GPU-a"), null);
});

const series: readonly { name: string; measured: readonly number[]; others?: readonly number[]; wantGib: number }[] = [
  { name: "nothing was ever loaded: a tenth more", measured: [], wantGib: 5.5 },
  { name: "what was measured, even if it is less", measured: [4.5], wantGib: 4.5 },
  { name: "the worst of a few loads", measured: [5.2, 5, 5.1], wantGib: 5.2 },
  {
    name: "one odd load in twenty raises nothing but is never undercut",
    measured: [...Array(19).fill(5), 5.9],
    wantGib: 5.9,
  },
  { name: "two other models say nothing yet", measured: [], others: [5, 5], wantGib: 5.5 },
  { name: "three do", measured: [], others: [5.1, 5, 5.05], wantGib: 5.1 },
  { name: "other models never make it smaller", measured: [], others: [4, 4, 4], wantGib: 5 },
  { name: "others count for nothing once it was loaded itself", measured: [5.02], others: [9, 9, 9], wantGib: 5.02 },
];
for (const it of series)
  test(`5 GiB reckoned: ${it.name}`, async () => {
    await using place = await makePlace();
    for (const measured of it.others ?? [])
      await place.calibration.note(noted({ estimated: 5, measured, of: { ...of, file: other } }));
    for (const measured of it.measured) await place.calibration.note(noted({ estimated: 5, measured }));
    const correction = (await place.again().learnt()).correction(of, "GPU-a");
    assert.ok(
      Math.abs(corrected(5 * GIB, correction) / GIB - it.wantGib) < 1e-6,
      `${corrected(5 * GIB, correction) / GIB}`,
    );
  });

test("beyond a gigabyte nothing is added that was not measured on this very load", async () => {
  await using place = await makePlace();
  const learnt = await place.calibration.learnt();
  assert.equal(corrected(40 * GIB, learnt.correction(of, "GPU-a")), 41 * GIB);
});

test("what the driver sees counts before what the engine tells", async () => {
  await using place = await makePlace();
  await place.calibration.note(noted({ estimated: 5, measured: 4.6, by: "engine" }));
  await place.calibration.note(noted({ estimated: 5, measured: 5.1, by: "driver" }));
  await place.calibration.note(noted({ estimated: 5, measured: 4.7, by: "engine" }));
  const correction = (await place.calibration.learnt()).correction(of, "GPU-a");
  assert.equal(originText(correction), "corrected by 1 load of it, +2.0 %");
});

test("what is seen of an engine later takes the place of what was seen before", async () => {
  await using place = await makePlace();
  for (const measured of [5.01, 5.05, 5.06]) await place.calibration.note(noted({ estimated: 5, measured, life: 7 }));
  const correction = (await place.again().learnt()).correction(of, "GPU-a");
  assert.equal(originText(correction), "corrected by 1 load of it, +1.2 %");
});

test("however much is loaded, the file stays small, and the newest stay in it", async () => {
  await using place = await makePlace();
  const loads = Array.from({ length: 1_000 }, (_, nth) => nth);
  await Promise.all(
    loads.map((nth) =>
      place.calibration.note(noted({ estimated: 5, measured: 6, of: { ...of, file: { ...file, bytes: nth } } })),
    ),
  );
  assert.ok((await readFile(place.path)).length < 300_000);
  const learnt = await place.again().learnt();
  const known = (bytes: number) => learnt.correction({ ...of, file: { ...file, bytes } }, "GPU-a").origin.kind;
  assert.deepEqual([known(0), known(999)], ["others", "same"]);
});

const damages: readonly { name: string; text: string; mode?: number }[] = [
  { name: "half a file", text: '{"version":1,"entries":[{"mod' },
  { name: "no JSON", text: "\0\0\0" },
  { name: "a later version", text: '{"version":2,"entries":[],"timings":[]}' },
  {
    name: "bytes that cannot be",
    text: JSON.stringify({ version: 1, entries: [{ ...entry(), measuredBytes: -1 }], timings: [] }),
  },
  {
    name: "one that others can read",
    text: JSON.stringify({ version: 1, entries: [entry()], timings: [] }),
    mode: 0o644,
  },
];
for (const it of damages)
  test(`a damaged file says nothing and is replaced: ${it.name}`, async () => {
    await using place = await makePlace();
    await writeFile(place.path, it.text);
    await chmod(place.path, it.mode ?? 0o600);
    assert.equal((await place.calibration.learnt()).correction(of, "GPU-a").origin.kind, "none");
    await place.calibration.note(noted({ estimated: 5, measured: 5 }));
    assert.equal((await place.again().learnt()).correction(of, "GPU-a").origin.kind, "same");
  });

test("where nothing can be written, loading goes on and this life still learns", async () => {
  const calibration = createCalibration({ folder: "/dev/null/nowhere", log: silentLog });
  await calibration.note(noted({ estimated: 5, measured: 5.06 }));
  assert.equal((await calibration.learnt()).correction(of, "GPU-a").origin.kind, "same");
});

function planned(plan: Partial<LoadOf["plan"]>): LoadOf {
  return { ...of, plan: { ...of.plan, ...plan } };
}

interface Given {
  readonly estimated: number;
  readonly measured: number;
  readonly by?: "driver" | "engine";
  readonly of?: Noted["of"];
  readonly life?: number;
}

let lives = 0;

function noted({ estimated, measured, by = "driver", of: loaded = of, life = ++lives }: Given): Noted {
  const device = { device: "GPU-a", estimatedBytes: estimated * GIB, measuredBytes: measured * GIB, by };
  return { life: life.toString(16).padStart(8, "0"), of: loaded, option: "GPU-a", tookMs: 4_000, devices: [device] };
}

function entry(): object {
  const key = "0123456789abcdef";
  return {
    life: "00000000",
    model: key,
    load: key,
    device: "GPU-a",
    backend: "embedded",
    estimatedBytes: 1,
    measuredBytes: 1,
    by: "driver",
  };
}

interface Place extends AsyncDisposable {
  readonly path: string;
  readonly calibration: Calibration;
  /** As the next orchestrator finds it. */
  again(): Calibration;
}

async function makePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-calibration-"));
  const again = () => createCalibration({ folder, log: silentLog });
  return {
    path: join(folder, "calibration.json"),
    calibration: again(),
    again,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
