import assert from "node:assert/strict";
import { test } from "node:test";
import { advance, bytes, duration, started } from "../../extension/progress.ts";
import type { RunEvent } from "../../server/protocol/run.ts";

const cost = { queueMs: 0, loadMs: 0, prefillMs: 0, decodeMs: 0, penaltyMs: 0, totalMs: 0 };
const small = { engine: "a", model: "Small 1B", device: "cpu", cost, why: "" };
const large = { engine: "b", model: "Large 7B", device: "cuda:0", cost, why: "" };
const model = {
  id: "small",
  label: "Small 1B",
  parametersB: 1,
  quantisation: null,
  contextTokens: 2_048,
  promptStyle: "chat",
  isTrial: true,
} as const;
const classified: RunEvent = {
  kind: "classified",
  action: "fix",
  tier: "simple",
  confidence: 1,
  why: "",
  target: null,
};
const routed: RunEvent = { kind: "routed", draft: large, audit: small, candidates: [], why: "" };
const download = {
  model: "Large 7B",
  doneBytes: 374_000_000,
  totalBytes: 1_100_000_000,
  bytesPerSecond: 12e6,
  etaMs: 40_400,
};

const cases: { name: string; events: RunEvent[]; want: string }[] = [
  { name: "nothing yet", events: [], want: "starting" },
  { name: "classified", events: [classified], want: "classified as fix (simple)" },
  {
    name: "classified, with a target",
    events: [{ ...classified, target: "median" }],
    want: "classified as fix for median (simple)",
  },
  { name: "routed", events: [routed], want: "routed to Large 7B on cuda:0, audited by Small 1B on cpu" },
  { name: "routed, without an audit", events: [{ ...routed, audit: null }], want: "routed to Large 7B on cuda:0" },
  { name: "next in the queue", events: [{ kind: "waiting", engine: "a", position: 1 }], want: "waiting, next in line" },
  { name: "second", events: [{ kind: "waiting", engine: "a", position: 2 }], want: "waiting, 2nd in line" },
  { name: "eleventh", events: [{ kind: "waiting", engine: "a", position: 11 }], want: "waiting, 11th in line" },
  {
    name: "for memory",
    events: [{ kind: "waiting", engine: "a", position: 1, why: "A waits for 2.0 GB on RTX 3090" }],
    want: "A waits for 2.0 GB on RTX 3090",
  },
  { name: "twenty-third", events: [{ kind: "waiting", engine: "a", position: 23 }], want: "waiting, 23rd in line" },
  {
    name: "downloading",
    events: [{ kind: "downloading", progress: download }],
    want: "downloading Large 7B 34 % of 1.1 GB, 12 MB/s, 40 s left",
  },
  {
    name: "downloading, of unknown size and rate",
    events: [{ kind: "downloading", progress: { ...download, totalBytes: null, bytesPerSecond: null, etaMs: null } }],
    want: "downloading Large 7B, 374 MB so far",
  },
  { name: "loading", events: [{ kind: "loading", engine: "a", model: "Small 1B" }], want: "loading Small 1B" },
  { name: "ready", events: [{ kind: "ready", engine: "a", model, tookMs: 10 }], want: "Small 1B is ready" },
  { name: "drafting, before it is known where", events: [{ kind: "draft", text: "a" }], want: "drafting, line 1" },
  {
    name: "drafting",
    events: [routed, { kind: "draft", text: "a\nb" }, { kind: "draft", text: "\nc" }],
    want: "drafting on cuda:0, line 3",
  },
  {
    name: "the second attempt counts anew",
    events: [
      { kind: "draft", text: "a\nb\nc" },
      { kind: "retry", attempt: 2, why: "cut off" },
      { kind: "draft", text: "a" },
    ],
    want: "drafting, line 1",
  },
  {
    name: "trying again",
    events: [{ kind: "retry", attempt: 2, why: "it does not parse" }],
    want: "trying again: it does not parse",
  },
  {
    name: "auditing",
    events: [{ kind: "audited", part: 2, fromLine: 1, toLine: 4, isOk: true }],
    want: "auditing part 2",
  },
  {
    name: "a notice leaves the words as they are",
    events: [classified, { kind: "notice", message: "x" }],
    want: "classified as fix (simple)",
  },
];

for (const it of cases) test(it.name, () => assert.equal(it.events.reduce(advance, started).message, it.want));

const sizes: [number, string][] = [
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.0 kB"],
  [9_960, "10 kB"],
  [999_600, "1.0 MB"],
  [322_591_712, "323 MB"],
  [4.7e9, "4.7 GB"],
  [-1, "0 B"],
];
for (const [count, want] of sizes) test(`${count} bytes`, () => assert.equal(bytes(count), want));

const spans: [number, string][] = [
  [0, "0 s"],
  [59_400, "59 s"],
  [60_000, "1 min 0 s"],
  [3_600_000, "1 h 0 min"],
  [-5, "0 s"],
];
for (const [ms, want] of spans) test(`${ms} ms`, () => assert.equal(duration(ms), want));
