import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Report } from "../../server/core/telemetry.ts";
import { readAmdOnce, watchAmd } from "../../server/gpu/amd.ts";

const GIB = 1024 ** 3;
const NOBODY = new Map();

/** Files as the amdgpu driver writes them for an RX 7900 XTX; the kernel's documentation names each. */
const CARD = {
  vendor: "0x1002",
  device: "0x744c",
  mem_info_vram_total: String(24 * GIB),
  mem_info_vram_used: String(6 * GIB),
  gpu_busy_percent: "42",
  unique_id: "b7a2c4d18e9f0011",
  "hwmon/hwmon3/temp1_input": "61000",
  "hwmon/hwmon3/power1_average": "187000000",
  "hwmon/hwmon3/power1_cap": "339000000",
  "hwmon/hwmon3/freq1_input": "2310000000",
  "hwmon/hwmon3/freq2_input": "1249000000",
};

async function sysfs(cards: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const root = await mkdtemp(join(tmpdir(), "tandem-drm-"));
  for (const [card, files] of Object.entries(cards))
    for (const [name, text] of Object.entries(files)) {
      const path = join(root, card, "device", name);
      await mkdir(join(path, ".."), { recursive: true });
      await writeFile(path, `${text}\n`);
    }
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

const readings = (reports: readonly Report[]) => reports.flatMap((it) => (it.kind === "reading" ? [it.gpu] : []));

test("a card in use", async () => {
  await using drm = await sysfs({ card1: CARD });
  const [gpu] = readings(await readAmdOnce({ root: drm.root, holders: NOBODY }));
  assert.deepEqual(
    [gpu?.uuid, gpu?.index, gpu?.name, gpu?.totalBytes, gpu?.usedBytes, gpu?.freeBytes, gpu?.busyPercent],
    ["AMD-b7a2c4d18e9f0011", 0, "AMD GPU 0x744c", 24 * GIB, 6 * GIB, 18 * GIB, 42],
  );
  assert.deepEqual(
    [gpu?.celsius, gpu?.powerWatts, gpu?.powerLimitWatts, gpu?.coreMegahertz, gpu?.memoryMegahertz, gpu?.fault],
    [61, 187, 339, 2310, 1249, null],
  );
  assert.deepEqual([gpu?.processes, gpu?.brakes], [null, null], "what sysfs does not say is unknown");
});

test("cards of other makers and outputs are left out, the others are in order", async () => {
  await using drm = await sysfs({
    card0: { ...CARD, vendor: "0x10de" },
    card10: { ...CARD, unique_id: "second" },
    card2: { ...CARD, unique_id: "first", product_name: "Radeon PRO W7900" },
    "card2-HDMI-A-1": { ...CARD, unique_id: "an output" },
  });
  const gpus = readings(await readAmdOnce({ root: drm.root, holders: NOBODY }));
  assert.deepEqual(
    gpus.map((it) => [it.index, it.uuid, it.name]),
    [
      [0, "AMD-first", "Radeon PRO W7900"],
      [1, "AMD-second", "AMD GPU 0x744c"],
    ],
  );
});

test("an integrated GPU without most of it: what is not there is unknown", async () => {
  const { vendor, device, mem_info_vram_total, mem_info_vram_used } = CARD;
  await using drm = await sysfs({
    card0: { vendor, device, mem_info_vram_total, mem_info_vram_used, gpu_busy_percent: "" },
  });
  const [gpu] = readings(await readAmdOnce({ root: drm.root, holders: NOBODY }));
  assert.deepEqual([gpu?.celsius, gpu?.powerWatts, gpu?.busyPercent, gpu?.fault], [null, null, null, null]);
});

for (const [name, changes] of [
  ["more used than there is", { mem_info_vram_used: String(25 * GIB) }],
  ["no memory at all", { mem_info_vram_total: "0" }],
  ["memory that is no number", { mem_info_vram_total: "lots" }],
] as const)
  test(`a driver that says what cannot be: ${name}`, async () => {
    await using drm = await sysfs({ card0: { ...CARD, ...changes } });
    const [gpu] = readings(await readAmdOnce({ root: drm.root, holders: NOBODY }));
    assert.deepEqual([gpu?.totalBytes, gpu?.usedBytes, gpu?.freeBytes], [null, null, null]);
    assert.match(gpu?.fault ?? "", /its driver says/);
  });

test("without an identity of its own a card has that of its slot", { skip: process.platform === "win32" }, async () => {
  const { unique_id: _, ...card } = CARD;
  await using drm = await sysfs({ bus: card });
  await rename(join(drm.root, "bus", "device"), join(drm.root, "bus", "0000:03:00.0"));
  await mkdir(join(drm.root, "card0"));
  await symlink(join(drm.root, "bus", "0000:03:00.0"), join(drm.root, "card0", "device"));
  assert.equal(readings(await readAmdOnce({ root: drm.root, holders: NOBODY }))[0]?.uuid, "AMD-0000:03:00.0");
});

test("no folder, or no card, is no GPU", async () => {
  await using drm = await sysfs({});
  for (const root of [drm.root, join(drm.root, "none")])
    assert.deepEqual(
      (await readAmdOnce({ root, holders: NOBODY })).map((it) => it.kind),
      ["absent"],
    );
});

test("it is read again and again, until nobody wants to know", async () => {
  await using drm = await sysfs({ card0: CARD });
  let count = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const source = watchAmd({
    root: drm.root,
    clients: { read: async () => NOBODY },
    periodMs: 2,
    report(report) {
      assert.equal(report.kind, "reading");
      if (++count === 3) resolve();
    },
  });
  await promise;
  await source[Symbol.asyncDispose]();
});
