import assert from "node:assert/strict";
import { test } from "node:test";
import type { GpuReading } from "../../server/core/telemetry.ts";
import { FIELDS, fieldsWithout, parseInstances, parseRow } from "../../server/gpu/nvidiaRow.ts";
import { meaningOf } from "../../server/gpu/nvidiaTrouble.ts";
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
