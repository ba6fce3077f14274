import assert from "node:assert/strict";
import { test } from "node:test";
import { checkedArguments, VLLM_FLAGS } from "../../server/backends/extraArguments.ts";
import { type LlamaDevices, llamaArguments } from "../../server/backends/llamaArguments.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import type { LoadOptions, LocalSpec } from "../../server/engineSpec.ts";
import { TandemError } from "../../server/errors.ts";

const model = {
  id: "m",
  label: "M",
  parametersB: 7,
  quantisation: "Q4_K_M",
  contextTokens: 8_192,
  promptStyle: "chat",
  isTrial: false,
} as const;
const card = { uuid: "GPU-aaaa", vendor: "nvidia", index: 0, share: 3 } as const;
const other = { uuid: "GPU-bbbb", vendor: "nvidia", index: 1, share: 1 } as const;
const basic: LocalSpec = {
  model,
  path: "/m.gguf",
  device: "auto",
  cards: [],
  options: DEFAULT_OPTIONS,
  threads: 4,
  contextTokens: 8_192,
  use: "write",
};

function argumentsWith(options: Partial<LoadOptions>, spec: Partial<LocalSpec> = {}, devices: LlamaDevices = null) {
  const given = { ...basic, ...spec, options: { ...DEFAULT_OPTIONS, ...options } };
  return llamaArguments(given, { port: 4_000, name: "tandem-x", devices });
}

const cases: readonly { name: string; args: readonly string[]; has: string; hasNot?: RegExp }[] = [
  {
    name: "where nothing is said, only what every server knows",
    args: argumentsWith({}),
    has: "--ctx-size 8192 --parallel 1 --threads 4 --poll 0 --jinja",
    hasNot: /cache-type|flash|gpu-layers|split|device/,
  },
  {
    name: "slots and the types of keys and values",
    args: argumentsWith({ slots: 4, keyType: "q8_0", valueType: "q4_0", flashAttention: "on" }),
    has: "--parallel 4 --threads 4 --poll 0 --cache-type-k q8_0 --cache-type-v q4_0 --flash-attn on",
  },
  {
    name: "on the processor no layer goes to a GPU, and steps are short",
    args: argumentsWith({ gpuLayers: 12 }, {}, "none"),
    has: "--n-gpu-layers 0 --jinja --batch-size 128 --ubatch-size 128",
    hasNot: /--n-gpu-layers 12/,
  },
  {
    name: "one card: nothing is split",
    args: argumentsWith({ gpuLayers: "all" }, { cards: [card] }, ["CUDA0"]),
    has: "--device CUDA0 --n-gpu-layers 999 --split-mode none --main-gpu 0",
    hasNot: /tensor-split/,
  },
  {
    name: "two cards share the layers",
    args: argumentsWith({ gpuLayers: 20 }, { cards: [card, other] }, ["CUDA0", "CUDA1"]),
    has: "--device CUDA0,CUDA1 --n-gpu-layers 20 --split-mode layer --tensor-split 3,1",
  },
  {
    name: "for vectors a whole text is one batch",
    args: argumentsWith({}, { use: "embed", contextTokens: 512 }),
    has: "--embeddings --batch-size 512 --ubatch-size 512",
    hasNot: /jinja/,
  },
  {
    name: "the user's own come last",
    args: argumentsWith({ extraArguments: ["--mlock", "--numa", "distribute"] }),
    has: "--jinja --mlock --numa distribute",
  },
];
for (const it of cases)
  test(`llama-server's arguments: ${it.name}`, () => {
    const line = it.args.join(" ");
    assert.ok(line.includes(it.has), line);
    if (it.hasNot) assert.doesNotMatch(line, it.hasNot);
  });

const refused = [
  "--host",
  "--port",
  "--api-key",
  "--alias",
  "-m",
  "--model",
  "-hf",
  "--device",
  "--sleep-idle-seconds",
];
for (const name of refused)
  test(`llama-server's arguments: ${name} is not the user's to give`, () => {
    const isToldSo = (error: unknown) =>
      error instanceof TandemError && error.code === "not-configured" && error.message.includes(`${name} cannot`);
    assert.throws(() => argumentsWith({ extraArguments: ["--mlock", name, "x"] }), isToldSo);
    assert.throws(() => argumentsWith({ extraArguments: [`${name}=x`] }), isToldSo);
  });

test("llama-server's arguments: small values without flash attention are refused before anything starts", () => {
  assert.throws(() => argumentsWith({ valueType: "q8_0", flashAttention: "off" }), /values of type q8_0 need flash/);
});

test("vLLM's own arguments: underlines are dashes", () => {
  assert.throws(() => checkedArguments(["--max_model_len=4096"], VLLM_FLAGS), TandemError);
  assert.deepEqual(checkedArguments(["--trust-remote-code"], VLLM_FLAGS), ["--trust-remote-code"]);
});
