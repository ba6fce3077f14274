import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { textPrinter } from "../../server/cli/textPrinter.ts";
import type { ModelInfo } from "../../server/protocol/models.ts";
import type { RunEvent, RunResult } from "../../server/protocol/run.ts";

const seam = (atCharacters: number): RunEvent => ({
  kind: "seam",
  seam: { atCharacters, from: "large on left:1", to: "small on right:2", why: "left:1 broke off; it is there" },
});
const draft = (text: string): RunEvent => ({ kind: "draft", text });

interface Case {
  readonly name: string;
  readonly events: readonly RunEvent[];
  readonly want: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: "another engine goes on in the middle: both, and why",
    events: [draft("a\nb"), seam(3), draft("c\n")],
    want: [
      "draft       ",
      "  │ a",
      "seam        small on right:2 goes on where large on left:1 broke off",
      "            left:1 broke off; it is there",
      "  │ bc",
    ],
  },
  {
    name: "before there is any text a notice says so",
    events: [{ kind: "notice", message: "large failed; small answers instead" }, seam(0)],
    want: ["note        large failed; small answers instead"],
  },
  {
    name: "the cloud is named before it sees anything",
    events: [{ kind: "cloud", engine: "cloud", host: "api.example.com" }, draft("a\n")],
    want: ["cloud       api.example.com may see this request from here on", "draft       ", "  │ a"],
  },
];

for (const { name, events, want } of cases)
  test(name, () => {
    const out = new PassThrough({ encoding: "utf8" });
    const printer = textPrinter(out);
    for (const event of events) printer.event(event);
    assert.deepEqual(String(out.read()).split("\n").slice(0, -1), want);
  });

const MODEL: ModelInfo = {
  ...{ id: "m", label: "M", parametersB: 7, quantisation: null, contextTokens: 4_096 },
  ...{ promptStyle: "chat", isTrial: false },
};
const USE = {
  ...{ model: MODEL, device: "cpu", promptTokens: 9, completionTokens: 3 },
  ...{ ttftMs: 10, prefillMs: 10, decodeMs: 20, tokensPerSecond: 150 },
};
const TIMING: RunResult["timing"] = {
  ...{ totalMs: 40, classifyMs: 1, routeMs: 1, acquireMs: 1, workMs: 30, draft: USE, audit: null, overlap: null },
  ...{ hasLoaded: false, auditRan: null },
};

for (const cloud of ["api.example.com", null])
  test(`an answer that ${cloud ?? "nobody in the cloud"} has seen is ${cloud ? "" : "not "}marked`, () => {
    const out = new PassThrough({ encoding: "utf8" });
    const result: RunResult = {
      ...{ kind: "answer", action: "explain", markdown: "It halves.", findings: [], notices: [], audit: null },
      ...{ seams: [], cloud, timing: TIMING },
    };
    textPrinter(out).result(result, [], false);
    const marks = String(out.read())
      .split("\n")
      .filter((it) => it.includes("cloud"));
    assert.deepEqual(marks, cloud ? ["            from the cloud: api.example.com has seen the request"] : []);
  });
