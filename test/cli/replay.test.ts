import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { showReplay, toReplaying } from "../../server/cli/replay.ts";
import { DEFAULT_POLICY } from "../../server/core/route/policy.ts";
import type { JournalEntry } from "../../server/protocol/decisions.ts";
import { routable } from "../core/routable.ts";
import { decisionOf } from "../journal/place.ts";
import { journalClient, storedDecision, written } from "./storedDecisions.ts";

const failed = { engines: [routable("large", { failures: 1 }), routable("small", { decodePerSecond: 40 })] };
const ENTRIES = [
  storedDecision("d4", failed),
  ...Array.from({ length: 100 }, (_, at) => storedDecision(`d3.${at}`)),
  { ...decisionOf("d2"), outcome: null },
  storedDecision("d1", failed),
];

const replayed = (
  flags: Parameters<typeof toReplaying>[0],
  entries: readonly JournalEntry[] = ENTRIES,
  isJson = false,
) =>
  written((out) => {
    const client = () => Promise.resolve(journalClient(entries));
    return showReplay(toReplaying(flags), { client, out, isJson }, AbortSignal.timeout(5_000));
  });

test("by the policy that decided them, all decisions are made the same way again, page after page", async () => {
  assert.deepEqual(await replayed({}), ["102 decisions made again by today's policy: all the same.", ""]);
  assert.deepEqual(await replayed({ limit: "1" }), ["1 decision made again by today's policy: all the same.", ""]);
  const none = "No decision is kept that there was a choice in: ask for something first.";
  assert.deepEqual(await replayed({}, []), [none, ""]);
});

test("by another policy those that would go elsewhere are told, with what that would gain", async () => {
  const lines = await replayed({ set: ["penaltyMs=0"] });
  assert.match(lines[0] ?? "", /^when +decision +drafted then +would draft now +audited then +would audit now +done$/);
  assert.match(lines[1] ?? "", /d4 +small +large +- +- +0\.5 s sooner$/);
  assert.match(lines[2] ?? "", /d1 +small +large/);
  assert.equal(
    lines[4],
    "102 decisions made again by today's policy with penaltyMs=0: 2 would go elsewhere, 0.5 s sooner on average by its own reckoning.",
  );
});

test("programs get every decision, changed or not", async () => {
  const lines = await replayed({ set: ["penaltyMs=0"], limit: "2" }, ENTRIES, true);
  const [first, second] = lines.filter((it) => it !== "").map((it) => JSON.parse(it));
  assert.deepEqual(
    [first.id, first.isSame, first.before.draft, first.after.draft, first.gainMs],
    ["d4", false, "small", "large", 500],
  );
  assert.deepEqual([second.id, second.isSame, second.gainMs], ["d3.0", true, 0]);
});

test("decisions in a file are replayed without any orchestrator", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tandem-replay-"));
  try {
    const file = join(folder, "decisions.jsonl");
    await writeFile(file, `${ENTRIES.map((it) => JSON.stringify(it)).join("\n")}\n`);
    const lines = await written((out) => {
      const client = () => Promise.reject(new Error("nobody is asked"));
      return showReplay(toReplaying({ file }), { client, out, isJson: false }, AbortSignal.timeout(5_000));
    });
    assert.deepEqual(lines, ["102 decisions made again by today's policy: all the same.", ""]);
    await writeFile(file, `${JSON.stringify(ENTRIES[0])}\n{"id": 7}\n`);
    await assert.rejects(replayed({ file }), { code: "bad-input", message: "Line 2 is no decision" });
    await assert.rejects(replayed({ file: join(folder, "none") }), { code: "bad-input" });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const wrong = [
  { flags: { set: ["penalty=0"] }, says: /the policy has no "penalty"$/ },
  { flags: { set: ["penaltyMs"] }, says: /penaltyMs takes a number/ },
  { flags: { set: ["penaltyMs="] }, says: /penaltyMs takes a number/ },
  { flags: { set: ["penaltyMs=-1"] }, says: /penaltyMs takes a number/ },
  { flags: { set: ["penaltyMs=much"] }, says: /penaltyMs takes a number/ },
  { flags: { set: ["penaltyMs=1=2"] }, says: /penaltyMs takes a number/ },
  { flags: { limit: "0" }, says: /--limit/ },
  { flags: { limit: "1.5" }, says: /--limit/ },
];
for (const { flags, says } of wrong)
  test(`${JSON.stringify(flags)} is refused, and what there is is named`, () => {
    assert.throws(
      () => toReplaying(flags),
      (error: { code: string; message: string; nextStep: string }) => {
        assert.equal(error.code, "bad-input");
        assert.match(error.message, says);
        return "limit" in flags || Object.keys(DEFAULT_POLICY).every((it) => error.nextStep.includes(it));
      },
    );
  });
