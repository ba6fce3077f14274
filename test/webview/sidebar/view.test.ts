import assert from "node:assert/strict";
import { test } from "node:test";
import type { Status } from "../../../server/protocol/status.ts";
import type { ToSidebar } from "../../../webview/sidebar/messages.ts";
import { empty, reduce } from "../../../webview/sidebar/state.ts";
import { announcement, render } from "../../../webview/sidebar/view.ts";
import { decisionOf, engineOf, GB, gpuOf, statusOf } from "../../fakes/statuses.ts";
import { markupOf, wordsOf } from "./markup.ts";

const NOW_MS = 1_790_000_100_000;
const machine = { busyPercent: 31, totalBytes: 32 * GB, freeBytes: 12 * GB };
const running: ToSidebar = { kind: "standing", standing: { kind: "running" } };
const status = (changes: Partial<Status>): ToSidebar => ({
  kind: "status",
  status: statusOf(changes),
  atMs: NOW_MS,
  machine,
});
const heat = { level: "hot", why: "84 °C and rising: 91 °C in 30 s at this pace" } as const;
const download = { model: "Qwen", doneBytes: 3.1e9, totalBytes: 9e9, bytesPerSecond: 24e6, etaMs: 245_000 };

interface Row {
  readonly name: string;
  readonly told: readonly ToSidebar[];
  /** What can be read. */
  readonly reads?: readonly (string | RegExp)[];
  readonly readsNot?: readonly (string | RegExp)[];
  /** What the markup holds besides. */
  readonly has?: readonly RegExp[];
  readonly hasNot?: readonly RegExp[];
}

const rows: readonly Row[] = [
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
  {
    name: "a loaded model can be unloaded and pinned",
    told: [
      running,
      status({ engines: [engineOf("h1", { idleMs: 74_000, placement: { verdict: "verified", why: "seen there" } })] }),
    ],
    reads: [
      "Qwen 14B ready, idle 1 min",
      "drafts · Q4_K_M",
      "61.4 tokens/s · 16,384 tokens context · process 100",
      "verified : seen there",
    ],
    has: [/data-do=unload data-argument=h1|data-do=unload\s+data-argument=h1/, /aria-label=Pin Qwen 14B/],
    hasNot: [/data-do=load\b/],
  },
  {
    name: "a pinned one says so and can be unpinned",
    told: [running, status({ engines: [engineOf("h1", { isPinned: true })] })],
    reads: ["pinned", "Unpin"],
    has: [/data-do=unpin/],
  },
  {
    name: "one that is not loaded can be loaded",
    told: [running, status({ engines: [engineOf("h1", { state: "idle", pid: null })] })],
    reads: ["not loaded"],
    has: [/data-do=load\b/],
    hasNot: [/data-do=unload/],
  },
  {
    name: "a server that runs already is nobody's to unload",
    told: [running, status({ engines: [engineOf("h1", { kind: "endpoint", device: "127.0.0.1:11434" })] })],
    reads: ["127.0.0.1:11434"],
    hasNot: [/data-do=(un)?load/, /data-do=pin/],
  },
  {
    name: "an older orchestrator cannot be told what to do",
    told: [running, status({ engines: [engineOf("")] })],
    hasNot: [/data-do=unload/],
  },
  {
    name: "a model that is not where it was put says so loudly",
    told: [
      running,
      status({ engines: [engineOf("h1", { placement: { verdict: "refuted", why: "it is on GPU 1" } })] }),
    ],
    reads: ["not where it was put", "It is on GPU 1. See the log"],
  },
  {
    name: "who waits, and for what",
    told: [
      running,
      status({ engines: [engineOf("h1", { state: "idle", queued: 3, waitsFor: "5.2 GB on RTX 3090" })] }),
    ],
    reads: ["3 requests wait: 5.2 GB on RTX 3090."],
  },
  {
    name: "one that is busy, with one in line",
    told: [running, status({ engines: [engineOf("h1", { isBusy: true, queued: 1 })] })],
    reads: ["busy", "1 request waits for a turn."],
  },
  {
    name: "a download says how far it is, and can be given up",
    told: [
      running,
      status({ engines: [engineOf("h1", { state: "idle" })] }),
      { kind: "doing", engine: "h1", deed: "load", stage: { kind: "downloading", progress: download } },
    ],
    reads: ["Downloads Qwen: 34 % of 9.0 GB, 24 MB/s, 4 min left"],
    has: [/data-do=cancel/],
    hasNot: [/data-do=load\b/],
  },
  {
    name: "what waits for memory says its place and why",
    told: [
      running,
      status({ engines: [engineOf("h1", { state: "idle" })] }),
      { kind: "doing", engine: "h1", deed: "load", stage: { kind: "waiting", position: 2, why: "waits for 5.2 GB" } },
    ],
    reads: ["Waits, number 2 in line: waits for 5.2 GB."],
  },
  {
    name: "a task of this window that downloads",
    told: [running, status({}), { kind: "task", stage: { kind: "downloading", progress: download } }],
    reads: ["Downloads Qwen: 34 %"],
  },
  {
    name: "what could not be done, with its next step",
    told: [
      running,
      status({ engines: [engineOf("h1", { state: "failed", failures: 2 })] }),
      { kind: "done", engine: "h1", trouble: { message: "no model fits", nextStep: "Close a program" } },
    ],
    reads: ["failed 2 times", "No model fits. Close a program."],
  },
  { name: "no model is set up", told: [running, status({})], reads: ["No model is set up yet"] },
  {
    name: "nothing was decided yet",
    told: [running, status({}), { kind: "decisions", decisions: [] }],
    reads: ["Nothing was asked of Tandem yet"],
  },
  {
    name: "decisions with what became of them",
    told: [
      running,
      status({}),
      {
        kind: "decisions",
        decisions: [
          decisionOf("a", { outcome: null, atMs: NOW_MS - 40_000 }),
          decisionOf("b", { outcome: { kind: "ok", totalMs: 9_400 } }),
          decisionOf("c", {
            action: null,
            tier: null,
            method: "tandem/openai/chat",
            outcome: { kind: "failed", code: "no-memory", totalMs: 3 },
          }),
          decisionOf("d", { outcome: { kind: "lost" } }),
        ],
      },
    ],
    reads: [
      "docstring · moderate 40 s ago Qwen 14B on cuda:0 runs the cheapest of 2",
      "9.4 s, slow",
      "chat",
      "no-memory",
      "lost",
    ],
    has: [/data-do="decision" data-argument=a|data-argument=a/],
  },
  {
    name: "no more than ten decisions",
    told: [
      running,
      status({}),
      { kind: "decisions", decisions: Array.from({ length: 30 }, (_, it) => decisionOf(`d${it}`)) },
    ],
    has: [/data-argument=d9/],
    hasNot: [/data-argument=d10/],
  },
  {
    name: "names from outside are text",
    told: [
      running,
      status({
        gpus: [gpuOf(0, { name: "<img src=x>", processes: [{ pid: 5, name: "<script>", bytes: GB }] })],
        engines: [engineOf("h1", { waitsFor: "<b>", queued: 1 })],
      }),
      { kind: "decisions", decisions: [decisionOf("a", { why: "<i>why" })] },
    ],
    hasNot: [/<img/, /<script>/, /<b>&?\.?<\/span>/, /<i>why/],
    has: [/&lt;img src=x>/, /&lt;script>/, /&lt;i>why/],
  },
];

function held(device: string, gigabytes: number) {
  return [{ device, bytes: gigabytes * GB, isMeasured: true }];
}

for (const { name, told, reads = [], readsNot = [], has = [], hasNot = [] } of rows)
  test(name, () => {
    const page = render(told.reduce(reduce, empty));
    const words = wordsOf(page);
    for (const it of reads)
      assert.ok(words.search(it instanceof RegExp ? it : literally(it)) >= 0, `"${it}" in: ${words}`);
    for (const it of readsNot)
      assert.ok(words.search(it instanceof RegExp ? it : literally(it)) < 0, `"${it}" in: ${words}`);
    const markup = markupOf(page);
    for (const it of has) assert.match(markup, it);
    for (const it of hasNot) assert.doesNotMatch(markup, it);
    assert.doesNotMatch(markup, /\sstyle=/, "the page's policy takes no style from markup");
    assert.doesNotMatch(markup, /undefined|NaN|\[object/);
  });

function literally(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
}

test("a screen reader hears of troubles and loads, and not of each second's numbers", () => {
  const before = [running, status({ gpus: [gpuOf(0)] })].reduce(reduce, empty);
  const after = reduce(before, status({ gpus: [gpuOf(0, { busyPercent: 12, usedBytes: 3 * GB, celsius: 40 })] }));
  assert.equal(announcement(before), announcement(after));
  const hot = reduce(after, status({ gpus: [gpuOf(0, { health: "broken", pressure: "critical", thermal: heat })] }));
  assert.match(announcement(hot), /not read.*critical.*hot/);
  const loading = reduce(after, status({ engines: [engineOf("a", { state: "loading" })] }));
  assert.match(announcement(loading), /Qwen 14B is loading/);
});
