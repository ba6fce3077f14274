import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineStatus } from "../../../server/protocol/status.ts";
import { type Memory, partsOf } from "../../../webview/sidebar/owners.ts";
import { engineOf, GB } from "../../fakes/statuses.ts";

const whole: Memory = { device: "GPU-0", totalBytes: 24 * GB, usedBytes: 16 * GB, reserveBytes: 0, processes: [] };
const told = (gigabytes: number, isMeasured = true) => [{ device: "GPU-0", bytes: gigabytes * GB, isMeasured }];
const program = (pid: number, name: string, gigabytes: number | null) => ({
  pid,
  name,
  bytes: gigabytes === null ? null : gigabytes * GB,
});

/** Parts as `name gigabytes`, with `?` where nobody has measured. */
const cases: { name: string; memory?: Partial<Memory>; engines?: EngineStatus[]; want: string[] }[] = [
  { name: "nothing of ours", want: ["system and unnamed 16", "free 8"] },
  {
    name: "what the driver says of a process counts more than what its model says",
    memory: { processes: [program(100, "tandem", 9)] },
    engines: [engineOf("a", { memory: told(7) })],
    want: ["Qwen 14B 9", "system and unnamed 7", "free 8"],
  },
  {
    name: "what a model says of itself where the driver hides it",
    memory: { processes: [program(100, "tandem", null)] },
    engines: [engineOf("a", { memory: told(7) })],
    want: ["Qwen 14B 7", "system and unnamed 9", "free 8"],
  },
  {
    name: "a reckoned share is marked",
    engines: [engineOf("a", { memory: told(7, false) })],
    want: ["Qwen 14B 7?", "system and unnamed 9", "free 8"],
  },
  {
    name: "a model on another card takes nothing of this one",
    engines: [engineOf("a", { memory: [{ device: "GPU-1", bytes: 7 * GB, isMeasured: true }] })],
    want: ["system and unnamed 16", "free 8"],
  },
  {
    name: "a model on two cards holds its share of each",
    engines: [engineOf("a", { memory: [...told(5), { device: "GPU-1", bytes: 7 * GB, isMeasured: true }] })],
    want: ["Qwen 14B 5", "system and unnamed 11", "free 8"],
  },
  {
    name: "owners that claim more than is used are cut, the smallest first",
    engines: [engineOf("a", { memory: told(12), pid: 1 }), engineOf("b", { memory: told(9), pid: 2 })],
    want: ["Qwen 14B 12", "Qwen 14B 4", "free 8"],
  },
  {
    name: "programs by name, the largest first, and the rest in one",
    memory: {
      processes: [
        program(1, "/opt/chrome/chrome", 1),
        program(2, "C:\\Games\\game.exe", 6),
        program(3, "/opt/chrome/chrome", 1),
        ...["a", "b", "c", "d"].map((it, nth) => program(10 + nth, it, 0.5)),
      ],
    },
    want: ["game.exe 6", "chrome (2) 2", "a 0.5", "b 0.5", "2 more programs 1", "system and unnamed 6", "free 8"],
  },
  {
    name: "the reserve is part of what is free, and no more than that",
    memory: { reserveBytes: 3 * GB },
    want: ["system and unnamed 16", "kept free 3", "free 5"],
  },
  {
    name: "a reserve larger than what is free",
    memory: { reserveBytes: 12 * GB },
    want: ["system and unnamed 16", "kept free 8"],
  },
  {
    name: "nobody tells what is used: what is ours is",
    memory: { usedBytes: null, processes: null },
    engines: [engineOf("a", { memory: told(7) })],
    want: ["Qwen 14B 7", "free 17?"],
  },
  { name: "more used than there is", memory: { usedBytes: 30 * GB }, want: ["system and unnamed 24"] },
];

for (const { name, memory, engines = [], want } of cases)
  test(name, () => {
    const parts = partsOf({ ...whole, ...memory }, engines);
    assert.deepEqual(
      parts.map((it) => `${it.name} ${it.bytes / GB}${it.isMeasured ? "" : "?"}`),
      want,
    );
    assert.equal(
      parts.reduce((sum, it) => sum + it.bytes, 0),
      whole.totalBytes,
      "all of it, once",
    );
    assert.ok(parts.every((it) => it.bytes > 0));
  });
