import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Client } from "../../server/cli/client.ts";
import { registerModel, toModel } from "../../server/cli/registry.ts";

const never = new AbortController().signal;

for (const name of ["auto", "draft", "audit", "embed"])
  test(`a model cannot be called "${name}": commands and requests mean something else by it`, () => {
    assert.throws(() => toModel([name], { model: "/a.gguf" }), { code: "bad-input", message: /^NAME: use another/ });
  });

/** Answers as an orchestrator that has taken the model. */
const client = {
  send: async (_: unknown, { model }: { model: { name: string; model: string } }) => ({
    ...{ name: model.name, backend: "embedded", where: model.model },
  }),
} as unknown as Client;

async function registered(file: string): Promise<string> {
  const out = new PassThrough();
  await registerModel(toModel(["mine"], { model: file }), client, { out, isJson: false }, never);
  return String(out.read());
}

test("register says so when the model's file is not there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "td-"));
  try {
    const [there, missing] = [join(folder, "there.gguf"), join(folder, "missing.gguf")];
    await writeFile(there, "GGUF");
    assert.doesNotMatch(await registered(there), /there is no file/);
    assert.match(await registered(missing), /mine is registered: .*\n {2}there is no file .*missing\.gguf yet/);
    assert.doesNotMatch(await registered("qwen2.5-coder-7b"), /there is no file/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
