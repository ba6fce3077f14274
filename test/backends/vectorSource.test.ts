import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileDigest } from "../../server/backends/vectorSource.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tandem-vectors-"));
});
after(() => rm(folder, { recursive: true, force: true }));

async function digest(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return fileDigest(path);
}

for (const size of [0, 10, 1_500_000, 5_000_000])
  test(`a file of ${size} bytes: known by what is in it, not by its name`, async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at)).subarray(0, Math.min(256, size));
    const whole = Buffer.alloc(size, size > 0 ? bytes : 0);
    const first = await digest("a.gguf", whole);
    assert.equal(await digest("b.gguf", whole), first);
    assert.notEqual(await digest("longer.gguf", Buffer.concat([whole, Buffer.from("x")])), first);
    for (const at of [0, size - 1].filter((it) => it >= 0 && it < size)) {
      const other = Buffer.from(whole);
      other[at] = (other[at] ?? 0) ^ 1;
      assert.notEqual(await digest("other.gguf", other), first, `byte ${at}`);
    }
  });

test("weights that differ all over are told apart behind a beginning and an end that are the same", async () => {
  const one = Buffer.alloc(4_000_000, 1);
  const two = Buffer.from(one);
  two.fill(2, 1_100_000, 2_900_000);
  assert.notEqual(await digest("one.gguf", one), await digest("two.gguf", two));
});
