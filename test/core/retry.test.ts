import assert from "node:assert/strict";
import { test } from "node:test";
import { withObjection } from "../../server/core/prompts/retry.ts";
import { ask } from "./placing.ts";

const REQUEST = { language: "typescript", action: "fix", text: "function f‸() {\n  return 1;\n}\n" } as const;

test("a chat model is told why its last answer could not be used, in one line of its last message", async () => {
  const { made: job } = await ask({ ...REQUEST, style: "chat" });
  assert.ok(job.kind === "job" && job.prompt.kind === "chat");
  const again = withObjection(job, `it does not parse:\nunexpected ${"x".repeat(1_000)}`);
  assert.ok(again.prompt.kind === "chat");
  assert.equal(again.prompt.messages.length, job.prompt.messages.length);
  const [before = "", after = ""] = [job, again].map(
    (it) => it.prompt.kind === "chat" && it.prompt.messages.at(-1)?.content,
  );
  assert.ok(after && before && after.startsWith(before) && after.length - before.length < 400);
  assert.match(after, /\n\nThe last answer could not be used: it does not parse: unexpected xxx/);
  assert.ok(again.maxTokens < job.maxTokens);
  assert.equal(withObjection(job, ""), job);
});

test("a completion model goes on with its prompt", async () => {
  const { made: job } = await ask({ ...REQUEST, style: "completion" });
  assert.ok(job.kind === "job");
  assert.equal(withObjection(job, "it does not parse"), job);
});
