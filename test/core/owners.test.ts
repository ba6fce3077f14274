import assert from "node:assert/strict";
import { test } from "node:test";
import { type Owner, ownersOf } from "../../server/core/owners.ts";
import { GpuStatus } from "../../server/protocol/gpu.ts";
import { EngineStatus } from "../../server/protocol/status.ts";

const GIB = 1024 ** 3;
const UUID = "GPU-1";

function gpu(usedGib: number | null, processes: GpuStatus["processes"]): GpuStatus {
  const totalBytes = 24 * GIB;
  const usedBytes = usedGib === null ? null : usedGib * GIB;
  return GpuStatus.parse({
    ...{ uuid: UUID, vendor: "nvidia", index: 0, name: "A", health: "ok", trouble: null, ageMs: 0 },
    ...{ totalBytes, usedBytes, freeBytes: usedBytes === null ? null : totalBytes - usedBytes, busyPercent: 0 },
    ...{ celsius: 40, powerWatts: 90, powerLimitWatts: 350, brakes: [], pressure: "normal", thermal: null, processes },
  });
}

function engine(label: string, pid: number | null, gib: number | null = null): EngineStatus {
  return EngineStatus.parse({
    ...{ id: label, roles: ["draft"], users: 1, kind: "embedded", device: "cuda:0", state: "ready", queued: 0 },
    ...{ isBusy: false, failures: 0, pid, prefillTokensPerSecond: null, decodeTokensPerSecond: null },
    model: {
      ...{ id: label, label, parametersB: null, quantisation: null, contextTokens: 4096 },
      ...{ promptStyle: "chat", isTrial: false },
    },
    memory: gib === null ? [] : [{ device: UUID, bytes: gib * GIB, isMeasured: true }],
  });
}

const cases: readonly { name: string; gpu: GpuStatus; engines: readonly EngineStatus[]; want: readonly Owner[] }[] = [
  {
    name: "a model by its process, a game, and the desktop",
    gpu: gpu(10, [
      { pid: 7, name: "/opt/tandem/engine", bytes: 5 * GIB },
      { pid: 8, name: "/usr/bin/game", bytes: 4 * GIB },
    ]),
    engines: [engine("Coder", 7, 4)],
    want: [
      { kind: "model", label: "Coder", bytes: 5 * GIB },
      { kind: "program", label: "game", bytes: 4 * GIB },
      { kind: "untold", label: "", bytes: GIB },
    ],
  },
  {
    name: "where processes are hidden, what the engine says",
    gpu: gpu(6, null),
    engines: [engine("Coder", 7, 5)],
    want: [
      { kind: "model", label: "Coder", bytes: 5 * GIB },
      { kind: "untold", label: "", bytes: GIB },
    ],
  },
  {
    name: "one program in two processes, by its name on Windows",
    gpu: gpu(3, [
      { pid: 8, name: "C:\\Apps\\render.exe", bytes: GIB },
      { pid: 9, name: "C:\\Apps\\render.exe", bytes: 2 * GIB },
    ]),
    engines: [],
    want: [{ kind: "program", label: "render.exe", bytes: 3 * GIB }],
  },
  {
    name: "shares that are not told leave all to the rest",
    gpu: gpu(3, [{ pid: 8, name: "game.exe", bytes: null }]),
    engines: [],
    want: [
      { kind: "program", label: "game.exe", bytes: null },
      { kind: "untold", label: "", bytes: 3 * GIB },
    ],
  },
  {
    name: "a model on another card, and nothing used",
    gpu: gpu(0, []),
    engines: [{ ...engine("Coder", 7), memory: [{ device: "GPU-2", bytes: GIB, isMeasured: false }] }],
    want: [],
  },
  { name: "nothing is known", gpu: gpu(null, null), engines: [engine("Coder", null)], want: [] },
];

for (const it of cases)
  test(`memory's owners: ${it.name}`, () => assert.deepEqual(ownersOf(it.gpu, it.engines), it.want));
