import assert from "node:assert/strict";
import { test } from "node:test";
import { showWhy, toWhy } from "../../server/cli/why.ts";
import type { JournalEntry } from "../../server/protocol/decisions.ts";
import { routable } from "../core/routable.ts";
import { decisionOf } from "../journal/place.ts";
import { AT_MS, journalClient, ORDINARY, storedDecision, written } from "./storedDecisions.ts";

const shownFor = (entries: readonly JournalEntry[], id: string | null = null, isJson = false) =>
  written((out) => showWhy(journalClient(entries), { id, out, isJson }, AbortSignal.timeout(5_000)));

test("one decision is explained to people: what for, what was compared, what would have changed it, what became of it", async () => {
  const seam = { atCharacters: 120, from: "Model A", to: "Model B", why: "Model A ended" };
  const [large, small] = ORDINARY.engines;
  assert.ok(large && small);
  const entry = storedDecision(
    "d1",
    {},
    { outcome: { kind: "ok", totalMs: 9_000 }, fallbacks: [seam], confidence: 0.87 },
  );
  assert.deepEqual(await shownFor([entry]), [
    "decision  d1, 2026-01-31 09:05:00, tandem/run for vscode",
    "taken for fix, moderate, 87 % sure",
    "went to   large on cuda:0 (llama-server), expected to be done in 3.0 s",
    "because   a moderate task goes to the engine that is done first: large on cuda:0",
    "became    ok, 9.0 s: 3.0 times what was expected of the writing engine",
    "went on   at character 120 from Model A to Model B: Model A ended",
    "",
    "   engine  model on device  stands  load   prefill  decode  failures  total  and",
    ">  large   large on cuda:0  meant   0.0 s  1.0 s    2.0 s   0.0 s     3.0 s  already loaded, 50 tokens/s measured",
    "   small   small on cuda:1  meant   0.8 s  1.0 s    2.5 s   5.0 s     9.3 s  0.8 s to load, failed 1 times, 40 tokens/s measured",
    "",
    "The runner-up, small on cuda:1, would have been done 6.3 s later.",
    "It would have won if",
    "  - large had 2 more requests at work or waiting",
    "",
  ]);
});

const ifs: readonly { name: string; small: Parameters<typeof routable>[1]; want: RegExp }[] = [
  {
    name: "loaded",
    small: { isResident: false, loadMs: 9_000, decodePerSecond: 60 },
    want: /- it were loaded already/,
  },
  { name: "idle", small: { load: 3, decodePerSecond: 60 }, want: /- it had nothing else to do/ },
  { name: "sound", small: { failures: 2, decodePerSecond: 60 }, want: /- it had not failed/ },
  { name: "cool", small: { thermal: "hot", decodePerSecond: 60 }, want: /- its device were cool/ },
  {
    name: "let through",
    small: { breaker: { state: "open", retryInMs: 1, why: null }, decodePerSecond: 60 },
    want: /- its circuit breaker were closed/,
  },
  { name: "fast", small: { decodePerSecond: 25 }, want: /- it were 1\.\d times as fast \(\d\d tokens\/s\)/ },
  {
    name: "meant for it",
    small: { roles: ["audit"], decodePerSecond: 100 },
    want: /- it had the roles of large \(draft\)/,
  },
  {
    name: "drawn",
    small: { load: 3, slots: 64, backend: "vllm", decodePerSecond: 56 },
    want: /- the two that were drawn/,
  },
];
for (const { name, small, want } of ifs)
  test(`the runner-up would have won, were it ${name}`, async () => {
    const engines = [
      routable("large"),
      routable("small", small),
      ...(name === "drawn" ? [routable("third", { load: 9, slots: 64, backend: "vllm", decodePerSecond: 63 })] : []),
    ];
    const text = (await shownFor([storedDecision("d1", { engines, draw: 0.3 })])).join("\n");
    assert.match(text, want);
    if (name === "meant for it") assert.match(text, /s sooner, but it stands less well to the task/);
  });

test("without a choice there is nothing to compare; the name says which one is meant", async () => {
  const pinned: JournalEntry = {
    ...decisionOf("d2", { atMs: AT_MS, tier: null, asked: "qwen", after: "d1" }),
    outcome: null,
  };
  const entries = [storedDecision("d3", { engines: ORDINARY.engines.slice(0, 1) }), pinned];
  const lines = await shownFor(entries, "d2");
  assert.deepEqual(lines.slice(0, 3), [
    "decision  d2, 2026-01-31 09:05:00, tandem/run for vscode",
    "after     d1, whose engine failed",
    "asked for qwen",
  ]);
  assert.ok(lines.includes("There was no choice: nothing was compared."));
  assert.ok((await shownFor(entries)).includes("There was no other engine that could have done it."), "the newest");
});

test("programs get all of it; none is no failure, one that is not there is", async () => {
  const [line = ""] = await shownFor([storedDecision("d1")], null, true);
  const told = JSON.parse(line) as JournalEntry & { explained: unknown };
  assert.deepEqual(
    [told.input?.chosen.draft, told.explained],
    ["large", { runnerUp: "small", behindMs: 6_300, wouldWinIf: ["large had 2 more requests at work or waiting"] }],
  );
  assert.deepEqual(await shownFor([]), ["Nothing was decided yet.", ""]);
  assert.deepEqual(await shownFor([], null, true), ["null", ""]);
  await assert.rejects(shownFor([], "d9"), { code: "bad-input", message: "There is no decision d9" });
  assert.throws(() => toWhy(["a", "b"]), { code: "bad-input" });
});
