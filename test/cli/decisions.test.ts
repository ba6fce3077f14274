import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Client } from "../../server/cli/client.ts";
import { showDecisions } from "../../server/cli/decisions.ts";
import { decisions, type JournalEntry, type Outcome } from "../../server/protocol/decisions.ts";
import { decisionOf } from "../journal/place.ts";

const atMs = new Date(2026, 0, 31, 9, 5, 0).getTime();
const entry = (id: string, outcome: Outcome | null, given: Partial<JournalEntry> = {}): JournalEntry => ({
  ...decisionOf(id, { atMs }),
  outcome,
  ...given,
});
/** Newest first, as the orchestrator answers. */
const ENTRIES = [
  entry("d", null),
  entry("c", { kind: "lost" }, { client: null, action: null, tier: null, method: "tandem/openai/chat" }),
  entry("b", { kind: "failed", code: "timeout", totalMs: 300_000 }, { client: "http" }),
  entry("a", { kind: "ok", totalMs: 1_234 }),
];

const shows = [
  {
    name: "a table, the newest last",
    entries: ENTRIES,
    isJson: false,
    want: [
      "when                 asked by  action  tier      model on device    took     ended                       why",
      "2026-01-31 09:05:00  vscode    fix     moderate  Model A on cuda:0  1.2 s    ok                          the cheapest that drafts",
      "2026-01-31 09:05:00  http      fix     moderate  Model A on cuda:0  300.0 s  timeout                     the cheapest that drafts",
      "2026-01-31 09:05:00  -         chat    -         Model A on cuda:0           lost with its orchestrator  the cheapest that drafts",
      "2026-01-31 09:05:00  vscode    fix     moderate  Model A on cuda:0           still runs                  the cheapest that drafts",
    ],
  },
  {
    name: "one JSON value a line",
    entries: ENTRIES.slice(2),
    isJson: true,
    want: ENTRIES.slice(2)
      .toReversed()
      .map((it) => JSON.stringify(decisions.result.parse({ decisions: [it] }).decisions[0])),
  },
  { name: "nothing yet", entries: [], isJson: false, want: ["Nothing was decided yet."] },
  { name: "nothing yet, as JSON", entries: [], isJson: true, want: [] },
];

for (const { name, entries, isJson, want } of shows)
  test(name, async () => {
    const out = new PassThrough();
    await showDecisions(clientWith(entries), { out, isJson, limit: 20 }, AbortSignal.timeout(5_000));
    const text = String(out.read() ?? "");
    assert.deepEqual(text.split("\n"), [...want, ""]);
  });

/** An orchestrator's answer, as it comes through the contract. */
function clientWith(entries: readonly JournalEntry[]): Client {
  return {
    async send(definition, params) {
      assert.equal(definition.method, decisions.method);
      const { limit } = decisions.params.parse(params);
      return definition.result.parse({ decisions: entries.slice(0, limit) });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
