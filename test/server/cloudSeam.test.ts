import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../server/protocol/requests.ts";
import { piecesOf } from "../fakes/openaiScript.ts";
import { impatient, startDying } from "./dyingServers.ts";
import { startOrchestrator } from "./orchestrator.ts";

const STUB = "export function total(prices: number[]): number {\n  return 0;\n}\n";
const REPLY = `\`\`\`ts\n${STUB.replace("0", "prices.reduce((a, b) => a + b, 0)")}\`\`\``;
const MIDDLE = Math.floor(piecesOf({ text: REPLY }).length / 2);

test("where an answer goes on in the cloud, its seam says so", async () => {
  await using orchestrator = await startOrchestrator({ openEngine: impatient });
  // It begins, and no more than that when it is asked once more.
  const fault = (nth: number) => ({ kind: "disconnect", after: nth === 0 ? MIDDLE : 0 }) as const;
  await using here = await startDying({ text: REPLY, models: ["small"], fault });
  await using cloud = await startDying({ text: REPLY, models: ["large"] });
  const client = await orchestrator.connect({
    draft: { endpoint: here.url },
    cloud: { endpoint: cloud.url, model: "large", tiers: ["simple", "moderate", "complex"] },
    auditWhen: "never",
  });
  const document = { uri: "file:///total.ts", languageId: "typescript", text: STUB };
  const result = await client.send(run, { action: "implement", instruction: "implement total", document });
  const { host } = new URL(cloud.url);
  assert.equal(result.cloud, host);
  const [last, ...more] = result.seams.toReversed();
  assert.ok(last && last.atCharacters > 0 && last.to.includes(host), JSON.stringify(result.seams));
  assert.equal(last.isCloud, true);
  assert.ok(more.every((it) => it.isCloud === undefined));
});
