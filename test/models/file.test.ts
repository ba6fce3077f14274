import assert from "node:assert/strict";
import { mkdir, truncate, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { TandemError } from "../../server/errors.ts";
import { catalogue } from "../../server/models/catalogue.ts";
import { modelPath, openModelFile } from "../../server/models/file.ts";
import type { ModelInfo } from "../../server/protocol/models.ts";
import { type GgufValue, gguf, uint32, uint64 } from "../fakes/gguf.ts";
import { makePlace } from "./place.ts";

const template: GgufValue = { kind: "string", value: "{% for message in messages %}" };
const context: GgufValue = { kind: "uint32", value: 4_096 };
const huge = 2n ** 63n;

const cases: readonly {
  name: string;
  file?: string;
  bytes: Buffer;
  want: Partial<ModelInfo> | { error: RegExp };
}[] = [
  {
    name: "a model with a chat template is asked in turns",
    file: "Qwen2.5-Coder-7B-Instruct-Q4_K_M.gguf",
    bytes: gguf({
      "general.architecture": { kind: "string", value: "qwen2" },
      "qwen2.context_length": { kind: "uint32", value: 32_768 },
      "tokenizer.ggml.tokens": {
        kind: "strings",
        value: Array.from({ length: 50_000 }, (_, index) => `token${index}`),
      },
      "tokenizer.chat_template": template,
    }),
    want: {
      label: "Qwen2.5-Coder-7B-Instruct-Q4_K_M",
      parametersB: 7,
      quantisation: "Q4_K_M",
      contextTokens: 8_192,
      promptStyle: "chat",
      isTrial: false,
    },
  },
  {
    name: "without a template it only continues text",
    file: "starcoder2-3b.IQ2_XXS.gguf",
    bytes: gguf({ "starcoder2.context_length": context }),
    want: { parametersB: 3, quantisation: "IQ2_XXS", contextTokens: 4_096, promptStyle: "completion" },
  },
  {
    name: "an empty template is none",
    bytes: gguf({ "tokenizer.chat_template": { kind: "string", value: "" } }),
    want: { promptStyle: "completion", parametersB: null, quantisation: null },
  },
  { name: "no metadata at all", bytes: gguf({}), want: { promptStyle: "completion", contextTokens: 8_192 } },
  { name: "an empty file", bytes: Buffer.alloc(0), want: { error: /not a GGUF/ } },
  {
    name: "a text file",
    bytes: Buffer.from("this is not a model, whatever it is called"),
    want: { error: /not a GGUF/ },
  },
  { name: "only the magic", bytes: Buffer.from("GGUF"), want: { error: /not a GGUF/ } },
  {
    name: "a string that claims to be of exabytes",
    bytes: gguf({ "general.name": { kind: "raw", type: 8, bytes: uint64(huge) }, "tokenizer.chat_template": template }),
    want: { promptStyle: "completion" },
  },
  {
    name: "an array that claims to have exaelements",
    bytes: gguf({ list: { kind: "raw", type: 9, bytes: Buffer.concat([uint32(8), uint64(huge)]) } }),
    want: { promptStyle: "completion" },
  },
  {
    name: "arrays in arrays in arrays",
    bytes: gguf({
      list: {
        kind: "raw",
        type: 9,
        bytes: Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.concat([uint32(9), uint64(1)]))),
      },
    }),
    want: { promptStyle: "completion" },
  },
  {
    name: "more pairs promised than there are",
    bytes: gguf({ "tokenizer.chat_template": template }, 4_000_000_000),
    want: { promptStyle: "chat" },
  },
  {
    name: "an unknown type",
    bytes: gguf({ odd: { kind: "raw", type: 99, bytes: uint64(0) }, "tokenizer.chat_template": template }),
    want: { promptStyle: "completion" },
  },
];

for (const it of cases)
  test(it.name, async () => {
    await using place = await makePlace();
    const path = join(place.folder, it.file ?? "model.gguf");
    await writeFile(path, it.bytes);
    const opened = openModelFile(path, catalogue, AbortSignal.timeout(10_000));
    if ("error" in it.want) {
      await assert.rejects(opened, badInput(it.want.error));
      return;
    }
    const model = await opened;
    assert.equal(model.id, `file:${path}`);
    assert.deepEqual({ ...model, ...it.want }, model);
  });

test("a file of the catalogue is known by name and size, whoever downloaded it", async () => {
  await using place = await makePlace();
  const path = join(place.folder, "tinyllama-1.1b-chat-iq2xxs.gguf");
  await writeFile(path, gguf({ "tokenizer.chat_template": template }));
  await truncate(path, 322_591_712);
  const model = await openModelFile(path, catalogue, AbortSignal.timeout(10_000));
  assert.deepEqual([model.isTrial, model.promptStyle, model.id], [true, "completion", `file:${path}`]);
});

test("what is not a file is refused", async () => {
  await using place = await makePlace();
  const folder = join(place.folder, "folder.gguf");
  await mkdir(folder);
  const signal = AbortSignal.timeout(10_000);
  await assert.rejects(openModelFile(folder, [], signal), badInput(/not a file/));
  await assert.rejects(openModelFile(join(place.folder, "none.gguf"), [], signal), badInput(/no model file/));
});

const paths = [
  { id: "qwen2.5-coder-7b", want: null },
  { id: "models/a.gguf", want: resolve("models/a.gguf") },
  { id: "A.GGUF", want: resolve("A.GGUF") },
  { id: "file:models/a.bin", want: resolve("models/a.bin") },
  { id: "file:~/a.gguf", want: join(homedir(), "a.gguf") },
  { id: pathToFileURL(resolve("with space.gguf")).href, want: resolve("with space.gguf") },
];
for (const it of paths) test(`${it.id} stands for a path or not`, () => assert.equal(modelPath(it.id), it.want));

function badInput(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.code, "bad-input");
    assert.match(error.message, message);
    return true;
  };
}
