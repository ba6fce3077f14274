import assert from "node:assert/strict";
import { test } from "node:test";
import type { GpuReading } from "../../server/core/telemetry.ts";
import { onCard, parseProgram } from "../../server/gpu/nvidiaPrograms.ts";
import { FIELDS, fieldsWithout, parseInstances, parseRow, slotOf } from "../../server/gpu/nvidiaRow.ts";
import { isRemark, meaningOf, parseLost } from "../../server/gpu/nvidiaTrouble.ts";
import { card } from "./smi.ts";

const GIB = 1024 ** 3;

const row = (changes: Readonly<Record<string, string>> = {}) =>
  card(0, changes)
    .map((it) => it.slice(it.indexOf("=") + 1))
    .join(", ");

test("a row of a card in use", () => {
  const { totalBytes, usedBytes, freeBytes, brakes, ...rest } = parseRow(row(), FIELDS) as GpuReading;
  assert.deepEqual([totalBytes, usedBytes, freeBytes], [24 * GIB, 5 * GIB, 19 * GIB]);
  assert.deepEqual(brakes, ["idle"]);
  assert.deepEqual(
    [rest.index, rest.name, rest.busyPercent, rest.celsius, rest.powerWatts, rest.powerLimitWatts, rest.coreMegahertz],
    [0, "NVIDIA GeForce RTX 3090", 37, 54, 121.5, 350, 1695],
  );
  assert.deepEqual(
    [rest.computeCapability, rest.driver, rest.isPartitioned, rest.fault],
    ["8.6", "550.54.14", false, null],
  );
});

const rows: readonly { name: string; changes: Record<string, string>; want: Partial<GpuReading> }[] = [
  {
    name: "what is not known is null, and no fault",
    changes: {
      "utilization.gpu": "[N/A]",
      "power.draw": "[Unknown Error]",
      "power.limit": "[Not Supported]",
      "clocks.sm": "",
    },
    want: {
      busyPercent: null,
      powerWatts: null,
      powerLimitWatts: null,
      coreMegahertz: null,
      fault: null,
      usedBytes: 5 * GIB,
    },
  },
  {
    name: "MIG",
    changes: { "mig.mode.current": "Enabled", "utilization.gpu": "[N/A]" },
    want: { isPartitioned: true },
  },
  {
    name: "memory of a card that shares the machine's",
    changes: { "memory.total": "[N/A]", "memory.used": "[N/A]", "memory.free": "[N/A]" },
    want: { totalBytes: null, usedBytes: null, fault: null },
  },
  {
    name: "heat and power brakes",
    changes: { "clocks_throttle_reasons.active": "0x0000000000000064" },
    want: { brakes: ["power", "heat"] },
  },
  { name: "impossible degrees", changes: { "temperature.gpu": "511" }, want: { celsius: null, fault: null } },
  {
    name: "a card that was lost",
    changes: { "memory.used": "[GPU is lost]", "temperature.gpu": "[GPU is lost]" },
    want: { fault: 'nvidia-smi says "[GPU is lost]"' },
  },
  {
    name: "a card that must be reset",
    changes: { "utilization.gpu": "[GPU requires reset]", "memory.used": "0" },
    want: { fault: 'nvidia-smi says "[GPU requires reset]"' },
  },
  {
    name: "memory that a container may not see",
    changes: {
      "memory.total": "[Insufficient Permissions]",
      "memory.used": "[Insufficient Permissions]",
      "memory.free": "[Insufficient Permissions]",
      "utilization.gpu": "[N/A]",
      "mig.mode.current": "Enabled",
    },
    want: { totalBytes: null, usedBytes: null, busyPercent: null, isPartitioned: true, fault: null },
  },
  {
    name: "what its table writes for a broken fan",
    changes: { "temperature.gpu": "ERR!", "power.draw": "ERR!" },
    want: { celsius: null, powerWatts: null, usedBytes: 5 * GIB, fault: null },
  },
  {
    name: "numbers with a comma for a point",
    changes: { "power.draw": "121 50" },
    want: { powerWatts: null, fault: null },
  },
  {
    name: "an error in place of memory",
    changes: { "memory.used": "[Unknown Error]" },
    want: { usedBytes: null, totalBytes: null, fault: 'nvidia-smi says "[Unknown Error]" where its memory should be' },
  },
  {
    name: "negative memory",
    changes: { "memory.used": "-17" },
    want: { usedBytes: null, fault: "nvidia-smi says it has 24576 MiB, -17 used and 19456 free, which cannot be" },
  },
  {
    name: "more used than there is",
    changes: { "memory.used": "99999" },
    want: { usedBytes: null, fault: "nvidia-smi says it has 24576 MiB, 99999 used and 19456 free, which cannot be" },
  },
];

for (const it of rows)
  test(`a row: ${it.name}`, () => {
    const reading = parseRow(row(it.changes), FIELDS) as GpuReading;
    const named = Object.keys(it.want) as (keyof GpuReading)[];
    assert.deepEqual(Object.fromEntries(named.map((name) => [name, reading[name]])), it.want);
  });

for (const line of [
  "",
  "No devices were found",
  "0, GPU-aaaa, NVIDIA GeForce",
  `${row()}, 1`,
  row({ index: "-1" }),
  row({ uuid: "x" }),
])
  test(`no row: "${line.slice(0, 30)}"`, () => assert.equal(parseRow(line, FIELDS), null));

test("a row of a driver that knows fewer fields", () => {
  const fields = ["index", "uuid", "name", "memory.total", "memory.used", "memory.free"];
  const reading = parseRow("1, GPU-ab, Tesla K80, 11441, 0, 11441", fields);
  assert.deepEqual([reading?.index, reading?.celsius, reading?.brakes, reading?.isPartitioned], [1, null, null, false]);
});

test("a refused field is asked by its younger name, then left out; one that is needed is not", () => {
  const said = (field: string) => `Field "${field}" is not a valid field to query.\n`;
  const younger = fieldsWithout(said("clocks_throttle_reasons.active"), FIELDS) ?? [];
  assert.ok(younger.includes("clocks_event_reasons.active") && younger.length === FIELDS.length);
  assert.equal(fieldsWithout(said("clocks_event_reasons.active"), younger)?.length, FIELDS.length - 1);
  assert.equal(fieldsWithout(said("uuid"), FIELDS), null);
  assert.equal(fieldsWithout("Failed to initialize NVML", FIELDS), null);
});

test("the instances a card is cut into", () => {
  const printed = [
    "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)",
    "  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)",
    "  MIG 1g.5gb+me   Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)",
    "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-e86cb44c-6756-fd30-cd4a-1e6da3caf9b0)",
    "  MIG 7g.40gb     Device  0: (UUID: MIG-GPU-e86cb44c-6756-fd30-cd4a-1e6da3caf9b0/0/0)",
  ].join("\n");
  assert.deepEqual(
    parseInstances(printed).map((it) => [it.card.slice(0, 8), it.profile, it.bytes / GIB]),
    [
      ["GPU-5d5b", "3g.20gb", 20],
      ["GPU-5d5b", "1g.5gb+me", 5],
      ["GPU-e86c", "7g.40gb", 40],
    ],
  );
});

const sayings = [
  ["Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.90", 18, /updated/],
  [
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
    9,
    /no NVIDIA driver runs/,
  ],
  ["Failed to initialize NVML: Unknown Error", 255, /Unknown Error/],
  [
    "Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU",
    15,
    /does not answer/,
  ],
  ["Failed to initialize NVML: Insufficient Permissions", 4, /may not use/],
  ["NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.", 12, /libnvidia-ml is missing/],
  ["", 139, /ended with 139 and said nothing/],
  ["\u001b[31mwhat\u0007", null, /a signal and said "\?\[31mwhat\?"/],
] as const;

for (const [said, code, want] of sayings)
  test(`nvidia-smi says "${said.slice(0, 60).replace(/[^ -~]/g, "?")}"`, () => {
    const answer = meaningOf({ said, code });
    assert.equal(answer.kind, "broken");
    assert.match(answer.reason, want);
    assert.ok(answer.kind === "broken" && answer.nextStep.length > 10);
  });

test("a driver without a device is no GPU, not a broken one", () =>
  assert.equal(meaningOf({ said: "No devices were found\n", code: 6 }).kind, "absent"));

test("where on the bus a row's card is, whatever the letters' case", () => {
  assert.equal(slotOf(row({ "pci.bus_id": "00000000:5F:00.0" }), FIELDS), "5f:00.0");
  assert.equal(slotOf(row({ "pci.bus_id": "[N/A]" }), FIELDS), null);
  assert.equal(slotOf("0, GPU-ab", ["index", "uuid"]), null);
});

for (const [line, want] of [
  ["Unable to determine the device handle for GPU3: 0000:04:00.0: Unknown Error", [3, "04:00.0"]],
  ["Unable to determine the device handle for GPU 0000:5F:00.0: GPU is lost.  Reboot the system", [null, "5f:00.0"]],
  ["Unable to determine the device handle for GPU0000:25:00.0: Unknown Error", [null, "25:00.0"]],
  ["Unable to determine the device handle for GPU2: Unknown Error", [2, null]],
  ["Failed to initialize NVML: Unknown Error", null],
] as const)
  test(`a card that the driver has lost: "${line}"`, () => {
    const lost = parseLost(line);
    assert.deepEqual(lost && [lost.index, lost.slot, lost.said], want && [...want, line]);
  });

test("the tool's warnings are no trouble", () => {
  assert.ok(isRemark("WARNING: infoROM is corrupted at gpu 0000:00:04.0"));
  assert.ok(!isRemark("Failed to initialize NVML"));
});

const CARD = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77";
for (const [line, want] of [
  [`${CARD}, 4242, 1000, /usr/bin/game, the`, [4242, "/usr/bin/game, the", 1000 * 1024 ** 2]],
  [`${CARD}, 50983, [N/A], [Not Found]`, [50983, "a hidden program", null]],
  [`${CARD}, 4, [N/A], [Insufficient Permissions]`, [4, "a hidden program", null]],
  [`${CARD}, 7, -12, x`, [7, "x", null]],
  ["MIG-GPU-e86cb44c-6756-fd30-cd4a-1e6da3caf9b0/0/0, 9, 149, python3", [9, "python3", 149 * 1024 ** 2]],
  [`${CARD}, [N/A], [N/A], [N/A]`, null],
  [`${CARD}, 42`, null],
] as const)
  test(`a process: "${line.slice(0, 70)}"`, () => {
    const found = parseProgram(line);
    assert.deepEqual(found && [found.pid, found.name, found.bytes], want);
  });

test("processes on a card's instances are the card's, by either form of their names", () => {
  const at = (uuid: string, pid: number) => ({ uuid, pid, name: "a", bytes: pid });
  const instances = [{ card: CARD, uuid: "MIG-c6d4", profile: "3g.20gb", bytes: 20 * GIB }];
  const all = [at(CARD, 1), at("MIG-c6d4", 3), at(`MIG-${CARD}/1/0`, 2), at("MIG-ffff", 4), at("GPU-other", 5)];
  assert.deepEqual(
    onCard(all, CARD, instances).map((it) => it.pid),
    [3, 2, 1],
  );
});
