import assert from "node:assert/strict";
import { test } from "node:test";
import { empty, reduce } from "../../../webview/sidebar/state.ts";
import { announcement } from "../../../webview/sidebar/view.ts";
import { engineOf, GB, gpuOf } from "../../fakes/statuses.ts";
import { checkRows, held, running, status } from "./rows.ts";

const heat = { level: "hot", why: "84 °C and rising: 91 °C in 30 s at this pace" } as const;

checkRows([
  {
    name: "nothing runs: what to do, and that looking does nothing",
    told: [],
    reads: ["Nothing runs yet", "Looking at this view starts nothing", "Start"],
    has: [/data-do="start"/],
  },
  { name: "it is starting", told: [{ kind: "standing", standing: { kind: "starting" } }], reads: ["is starting"] },
  {
    name: "it died and is started again",
    told: [{ kind: "standing", standing: { kind: "waiting", reason: "it was killed", delayMs: 4_000 } }],
    reads: ["The orchestrator stopped (it was killed).", "started again in 4 s."],
  },
  {
    name: "it died too often",
    told: [{ kind: "standing", standing: { kind: "failed", reason: "exit code 1" } }],
    reads: ["stopped too often (exit code 1)", "Start again"],
    has: [/data-argument="log"/],
  },
  {
    name: "a card with everything its driver tells",
    told: [running, status({ gpus: [gpuOf(0)], engines: [engineOf("a", { memory: held("GPU-0", 9) })] })],
    reads: [
      "RTX 3090 live",
      "16 GB of 24 GB · 67 % moderate",
      "Qwen 14B 9.0 GB",
      "free 8.0 GB",
      "61 °C",
      "214 / 350 W",
      "73 %",
    ],
    readsNot: ["Slowed by", "Nearly full", "No GPU"],
    has: [/aria-label=GPU RTX 3090/],
  },
  {
    name: "what is kept free by the settings is no model's",
    told: [running, status({ gpus: [gpuOf(0, { reserveBytes: 3 * GB })] })],
    reads: ["kept free 3.0 GB", "free 5.0 GB"],
  },
  {
    name: "two cards of one name are told apart",
    told: [running, status({ gpus: [gpuOf(0), gpuOf(1)] })],
    reads: ["RTX 3090 #0", "RTX 3090 #1"],
  },
  {
    name: "what a driver does not tell is a dash, and said so",
    told: [
      running,
      status({ gpus: [gpuOf(0, { celsius: null, powerWatts: null, busyPercent: null, totalBytes: null })] }),
    ],
    reads: ["Temperature – not told", "Power – not told", "does not tell its memory"],
    readsNot: ["NaN", "null", "0 °C"],
  },
  {
    name: "above 95 percent it warns",
    told: [running, status({ gpus: [gpuOf(0, { usedBytes: 23.5 * GB, pressure: "critical" })] })],
    reads: ["98 % critical", "Nearly full: unload a model"],
  },
  {
    name: "a hot card says why, and what slows it",
    told: [running, status({ gpus: [gpuOf(0, { celsius: 84, thermal: heat, brakes: ["idle", "heat"] })] })],
    reads: ["84 °C hot", "84 °C and rising: 91 °C in 30 s at this pace.", "Slowed by heat"],
  },
  {
    name: "a temperature that says it all is said once",
    told: [running, status({ gpus: [gpuOf(0, { celsius: 84, thermal: { level: "hot", why: "84 °C" } })] })],
    reads: ["84 °C hot"],
    readsNot: ["84 °C."],
  },
  {
    name: "stale and broken readings differ in words and icons",
    told: [
      running,
      status({
        gpus: [
          gpuOf(0, {
            health: "stale",
            ageMs: 9_000,
            trouble: { reason: "nothing heard for 9 s", nextStep: "Run `tandem doctor`" },
          }),
          gpuOf(1, { health: "broken", trouble: { reason: "the GPU is lost", nextStep: "Restart the machine" } }),
        ],
      }),
    ],
    reads: ["stale, 9 s ago", "Nothing heard for 9 s.", "not read", "The GPU is lost. Restart the machine."],
    has: [/codicon-history/, /codicon-debug-disconnect/, /<code>tandem doctor<\/code>/],
    hasNot: [/codicon-pulse/],
  },
  {
    name: "a make of GPU that cannot be read is not taken for none",
    told: [
      running,
      status({ gpuSources: [{ name: "nvidia", health: "broken", reason: "driver and library do not match" }] }),
    ],
    reads: ["NVIDIA not read", "Driver and library do not match.", "Check This Machine"],
    readsNot: ["No GPU"],
  },
  {
    name: "no GPU: the processor, main memory and what could be done",
    told: [running, status({ gpuSources: [{ name: "nvidia", health: "absent", reason: "there is no nvidia-smi" }] })],
    reads: ["No GPU absent", "Models run on the processor", "There is no nvidia-smi.", "20 GB of 32 GB · 63 %", "31 %"],
    has: [/data-argument="settings"/],
  },
  {
    name: "nobody has looked for GPUs yet",
    told: [running, status({ gpuSources: [{ name: "nvidia", health: "starting", reason: null }] })],
    reads: ["Looking for GPUs"],
    readsNot: ["No GPU"],
  },
  {
    name: "main memory as the governor counts it, where a model is in it beside a GPU",
    told: [
      running,
      status({
        gpus: [gpuOf(0)],
        mainMemory: { totalBytes: 64 * GB, usedBytes: 10 * GB },
        engines: [engineOf("a", { device: "cpu", memory: held("cpu", 2) })],
      }),
    ],
    reads: ["10 GB of 64 GB", "processor 2.0 GB"],
  },
]);

test("a screen reader hears of troubles and loads, and not of each second's numbers", () => {
  const before = [running, status({ gpus: [gpuOf(0)] })].reduce(reduce, empty);
  const after = reduce(before, status({ gpus: [gpuOf(0, { busyPercent: 12, usedBytes: 3 * GB, celsius: 40 })] }));
  assert.equal(announcement(before), announcement(after));
  const hot = reduce(after, status({ gpus: [gpuOf(0, { health: "broken", pressure: "critical", thermal: heat })] }));
  assert.match(announcement(hot), /not read.*critical.*hot/);
  const loading = reduce(after, status({ engines: [engineOf("a", { state: "loading" })] }));
  assert.match(announcement(loading), /Qwen 14B is loading/);
});
