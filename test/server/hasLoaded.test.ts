import assert from "node:assert/strict";
import { test } from "node:test";
import { generate, run } from "../../server/protocol/requests.ts";
import { startLocal } from "./localModels.ts";

const TEXT = "export function total(prices: number[]): number {\n  return 0;\n}\n";
const CODE = "export function total(prices: number[]): number {\n  return prices.reduce((a, b) => a + b, 0);\n}";

test("a run says whether a model had to be loaded for it, the drafter's or the auditor's", async () => {
  await using it = await startLocal({
    reply: ({ prompt }) => (/review code/.test(JSON.stringify(prompt)) ? '{"ok":true}' : `\`\`\`ts\n${CODE}\n\`\`\``),
  });
  const roles = { draft: { model: await it.model("drafter") }, audit: { model: await it.model("auditor") } };
  const client = await it.connect({ ...roles, auditWhen: "always" });
  const document = { uri: "file:///total.ts", languageId: "typescript", text: TEXT };
  await client.send(generate, { prompt: "hi", role: "draft" });
  const loaded: boolean[] = [];
  for (const _ of ["the auditor's", "none"]) {
    const { timing } = await client.send(run, { action: "implement", instruction: "implement total", document });
    assert.ok(timing.audit);
    loaded.push(timing.hasLoaded);
  }
  assert.deepEqual(loaded, [true, false]);
});
