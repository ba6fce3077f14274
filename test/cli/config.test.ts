import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { configCommand } from "../../server/cli/config.ts";

const files: readonly { name: string; text: string; code: number; says: RegExp }[] = [
  { name: "right", text: '{ "memory": { "mostWaiting": 3 } }', code: 0, says: /right\.jsonc is right\n$/ },
  {
    name: "wrong",
    text: '{ "memory": { "mostWaiting": "3" } }',
    code: 1,
    says: /wrong\.jsonc:1:30: memory\.mostWaiting/,
  },
];

for (const { name, text, code, says } of files)
  test(`config check FILE: one that is ${name}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "td-"));
    try {
      const path = join(folder, `${name}.jsonc`);
      await writeFile(path, text);
      const out = new PassThrough();
      assert.equal(await configCommand({ words: ["check", path], isJson: false, out }), code);
      assert.match(String(out.read()), says);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

test("config check FILE: one that is not there is no configuration that is right", async () => {
  const given = { words: ["check", join(tmpdir(), "td-no-such.jsonc")], isJson: false, out: new PassThrough() };
  await assert.rejects(configCommand(given), { code: "bad-input", message: /td-no-such\.jsonc is not there$/ });
});
