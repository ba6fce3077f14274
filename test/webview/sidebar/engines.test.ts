import { decisionOf, engineOf, GB, gpuOf } from "../../fakes/statuses.ts";
import { checkRows, NOW_MS, running, status } from "./rows.ts";

const download = { model: "Qwen", doneBytes: 3.1e9, totalBytes: 9e9, bytesPerSecond: 24e6, etaMs: 245_000 };

checkRows([
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
    name: "an engine that failed repeatedly says why and until when, and can be let try again, a server too",
    told: [
      running,
      status({
        engines: [
          engineOf("h1", {
            ...{ kind: "endpoint", device: "127.0.0.1:9" },
            breaker: { state: "open", retryInMs: 5_000, why: "nothing listens there" },
          }),
        ],
      }),
    ],
    reads: ["It failed repeatedly: nothing listens there. It gets no requests for 5 s, then one tries it", "Try again"],
    has: [/data-do=reset/],
    hasNot: [/data-do=load\b/],
  },
  {
    name: "an engine that works need not be tried again",
    told: [running, status({ engines: [engineOf("h1")] })],
    hasNot: [/data-do=reset/],
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
]);
