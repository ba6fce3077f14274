import assert from "node:assert/strict";
import { test } from "node:test";
import { load, pin, unload } from "../../server/protocol/engines.ts";
import { status } from "../../server/protocol/requests.ts";
import { startLocal } from "./localModels.ts";
import { failureOf } from "./orchestrator.ts";

test("a client loads, pins and unloads its engine, and everybody sees it", async () => {
  await using orchestrator = await startLocal({});
  const settings = { draft: { model: await orchestrator.model("one") }, auditWhen: "never" as const };
  const [client, other] = [await orchestrator.connect(settings), await orchestrator.connect(settings)];
  const kinds: string[] = [];
  const loaded = await client.send(load, { engine: "draft" }, { onEvent: (it) => kinds.push(it.kind) });
  assert.deepEqual([loaded.state, kinds], ["ready", ["loading", "ready"]]);
  const pinned = await other.send(pin, { engine: loaded.handle, isPinned: true });
  assert.deepEqual([pinned.id, pinned.isPinned], ["draft", true]);
  const unloaded = await client.send(unload, { engine: loaded.model.label });
  assert.deepEqual([unloaded.state, unloaded.isPinned], ["idle", false]);
  assert.equal(orchestrator.engines.closed.length, 1);
  const { engines } = await other.send(status, {});
  assert.deepEqual(
    engines.map((it) => it.state),
    ["idle", "idle"],
  );
});

test("a model that no engine has yet is loaded by its name; one that is nothing is refused with what there is", async () => {
  await using orchestrator = await startLocal({});
  const client = await orchestrator.connect({ draft: { model: await orchestrator.model("one") } });
  const named = await orchestrator.model("two");
  const loaded = await client.send(load, { engine: named });
  assert.deepEqual([loaded.id, loaded.state], [named, "ready"]);
  const failure = await failureOf(client.send(load, { engine: "nothing" }));
  assert.equal(failure.code, "bad-input");
  assert.match(
    failure.nextStep,
    /Name one of: draft \(.*\), audit.*; or, to load it, a model that `tandem models` lists/,
  );
});

test("a GPU that the user names and no engine can use is refused; the processor is not taken instead", async () => {
  await using orchestrator = await startLocal({ hasNoGpu: true });
  const model = await orchestrator.model("one");
  const client = await orchestrator.connect({ draft: { model, device: "gpu:9" }, auditWhen: "never" });
  const failure = await failureOf(client.send(load, { engine: "draft" }));
  assert.deepEqual([failure.code, orchestrator.engines.closed.length], ["not-configured", 1]);
  assert.match(failure.message, /cannot run on gpu:9: there is no such GPU/);
});
