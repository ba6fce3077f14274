import assert from "node:assert/strict";
import { test } from "node:test";
import { remember } from "../../extension/history.ts";
import type { ToView } from "../../webview/messages.ts";
import { empty, reduce } from "../../webview/state.ts";

const begin: ToView = { kind: "begin", title: "Explain", question: "", source: "a.ts" };
const more = (text: string): ToView => ({ kind: "more", text });
const progress = (message: string): ToView => ({ kind: "progress", message });
const failed: ToView = { kind: "failed", message: "m", nextStep: "n" };
const use = {
  model: {
    id: "m",
    label: "M",
    parametersB: null,
    quantisation: null,
    contextTokens: 1,
    promptStyle: "chat",
    isTrial: false,
  },
  device: "cpu",
  promptTokens: 1,
  completionTokens: 2,
  ttftMs: 1,
  prefillMs: 1,
  decodeMs: 1,
  tokensPerSecond: null,
} as const;
const end: ToView = {
  kind: "end",
  markdown: "whole",
  findings: [],
  notices: [],
  seams: [],
  use,
  totalMs: 1_000,
  cloud: "c",
};

const cases: { name: string; messages: ToView[]; atMost: number }[] = [
  { name: "text is joined", messages: [begin, ...Array.from("abcdef", more)], atMost: 2 },
  {
    name: "only the last progress is kept",
    messages: [begin, progress("a"), more("x"), progress("b"), more("y"), progress("c")],
    atMost: 4,
  },
  {
    name: "another attempt drops the first",
    messages: [begin, more("bad"), { kind: "again" }, more("good")],
    atMost: 3,
  },
  { name: "the end holds everything", messages: [begin, progress("p"), more("wh"), end], atMost: 2 },
  {
    name: "who in the cloud has seen it is kept, once, through another attempt",
    messages: [
      begin,
      { kind: "cloud", host: "c" },
      more("bad"),
      { kind: "cloud", host: "c" },
      { kind: "again" },
      more("x"),
    ],
    atMost: 4,
  },
  { name: "a failure keeps what came before", messages: [begin, progress("p"), more("half"), failed], atMost: 3 },
  {
    name: "a new answer drops the old",
    messages: [begin, more("old"), end, { ...begin, title: "Ask" }, more("new")],
    atMost: 2,
  },
];

for (const it of cases)
  test(it.name, () => {
    const history = it.messages.reduce<readonly ToView[]>(remember, []);
    assert.ok(history.length <= it.atMost, JSON.stringify(history));
    assert.deepEqual(reduce(empty, { kind: "replay", messages: history }), it.messages.reduce(reduce, empty));
  });
