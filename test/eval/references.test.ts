import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { splice } from "../../server/core/text.ts";
import { readEvalTasks } from "../../server/eval/tasks.ts";
import { run } from "../../server/protocol/requests.ts";
import { scriptedModel } from "../fakes/evalModel.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator } from "../server/orchestrator.ts";

const tasks = await readEvalTasks(fileURLToPath(new URL("../../evals", import.meta.url)));
const perfect = { name: "perfect", solves: 1, mends: 1, finds: 1, alarms: 0 };

test("what a perfect model writes becomes each task's reference through the main job, at the first attempt", async () => {
  await using orchestrator = await startOrchestrator();
  await using model = await startFakeLlama({ reply: await scriptedModel(tasks, perfect) });
  const client = await orchestrator.connect({ draft: { endpoint: model.url }, auditWhen: "never" });
  for (const { kind, instruction, file, language, text, reference, id } of tasks) {
    const uri = `file:///${id}/${file}`;
    const asked = model.requests.length;
    const result = await client.send(run, {
      ...{ action: kind, instruction, document: { uri, languageId: language, text } },
    });
    assert.equal(result.kind, "edit", id);
    const edit = result.kind === "edit" ? result.edits[0] : undefined;
    assert.ok(edit, id);
    assert.equal(splice(text, edit.range, edit.after).trimEnd(), reference.trimEnd(), id);
    assert.equal(model.requests.length - asked, 1, `${id}: written once`);
  }
});
