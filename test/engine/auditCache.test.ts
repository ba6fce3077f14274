import assert from "node:assert/strict";
import { test } from "node:test";
import type { Part } from "../../server/core/cut.ts";
import type { Engine, Piece } from "../../server/ports.ts";
import { audit } from "../../server/tasks/audit.ts";
import { carriedBy } from "../../server/tasks/carried.ts";
import { turnOn } from "../server/auditRig.ts";
import { openLlama } from "./openLlama.ts";

const clock = { nowMs: () => performance.now() };
const never = new AbortController().signal;
const TEXTS = [
  "function sum(values) {\n  let total = 0;",
  "  for (const it of values) total += it;",
  "  return total;\n}",
];

test("a real llama-server reads of every audit prompt only what is new, in a chat and as text", async () => {
  await using engine = await openLlama();
  for (const promptStyle of ["chat", "completion"] as const) {
    const seen: Extract<Piece, { kind: "done" }>[] = [];
    const watched: Engine = {
      ...engine,
      model: { ...engine.model, promptStyle },
      async *generate(request, signal) {
        for await (const piece of engine.generate(request, signal)) {
          if (piece.kind === "done") seen.push(piece);
          yield piece;
        }
      },
    };
    const input = { auditor: carriedBy(turnOn(watched), clock), brief: "Implement sum.", context: "// numbers" };
    await audit({ ...input, parts: partsOf(TEXTS), reads: "ahead", emit: () => undefined }, never).done;
    assert.equal(seen.length, TEXTS.length + 2, "the task, the parts, the whole");
    for (const [at, { promptTokens, cachedTokens }] of seen.entries()) {
      const before = seen[at - 1];
      if (!before) continue;
      assert.ok(promptTokens > before.promptTokens, `${promptStyle}: the prompt grows`);
      // Where one text goes on in another, a token may be cut otherwise; a chat's opening ends with its turn, which the first part goes on with.
      assert.ok(
        cachedTokens >= before.promptTokens - 16,
        `${promptStyle} ${at}: ${cachedTokens} of ${before.promptTokens} kept`,
      );
    }
  }
});

async function* partsOf(texts: readonly string[]): AsyncGenerator<Part> {
  let line = 1;
  for (const [at, text] of texts.entries()) {
    const count = text.split("\n").length;
    yield { number: at + 1, fromLine: line, toLine: line + count - 1, text, isWhole: false };
    line += count;
  }
}
