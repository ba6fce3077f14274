import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, GPU_RESERVE_BYTES, type Hardware, needBytes } from "../../server/core/choose.ts";
import { catalogue } from "../../server/models/catalogue.ts";

const gib = 1024 ** 3;

function card(index: number, vramGib: number): Hardware["gpus"][number] {
  const uuid = `GPU-${index}`;
  return { id: `cuda:${index}`, uuid, vendor: "nvidia", index, name: `card ${index}`, vramBytes: vramGib * gib };
}

const cases = [
  { name: "a laptop without a GPU", ram: 16, gpus: [], draft: "qwen2.5-coder-1.5b", audit: "qwen2.5-coder-0.5b" },
  { name: "8 GB as machines report it", ram: 7.6, gpus: [], draft: "qwen2.5-coder-1.5b", audit: "qwen2.5-coder-0.5b" },
  { name: "4 GB", ram: 3.8, gpus: [], draft: "qwen2.5-coder-0.5b", audit: "qwen2.5-coder-0.5b" },
  {
    name: "a card too small for anything leaves it to the CPU",
    ram: 16,
    gpus: [card(0, 4)],
    draft: "qwen2.5-coder-1.5b",
    audit: "qwen2.5-coder-0.5b",
    on: [null, null],
  },
  {
    name: "8 GB card: 7B does not fit with the reserve, 3B is restricted",
    ram: 16,
    gpus: [card(0, 8)],
    draft: "qwen2.5-coder-1.5b",
    audit: "qwen2.5-coder-0.5b",
    on: ["cuda:0", "cuda:0"],
  },
  {
    name: "12 GB card",
    ram: 32,
    gpus: [card(0, 12)],
    draft: "qwen2.5-coder-7b",
    audit: "qwen2.5-coder-1.5b",
    on: ["cuda:0", "cuda:0"],
  },
  {
    name: "24 GB card",
    ram: 64,
    gpus: [card(0, 24)],
    draft: "qwen2.5-coder-14b",
    audit: "qwen2.5-coder-1.5b",
    on: ["cuda:0", "cuda:0"],
  },
  {
    name: "48 GB card",
    ram: 64,
    gpus: [card(0, 48)],
    draft: "qwen3-coder-30b-a3b",
    audit: "qwen2.5-coder-1.5b",
    on: ["cuda:0", "cuda:0"],
  },
  {
    name: "two 24 GB cards: the mixture of experts alone on one",
    ram: 64,
    gpus: [card(0, 24), card(1, 24)],
    draft: "qwen3-coder-30b-a3b",
    audit: "qwen2.5-coder-7b",
    on: ["cuda:0", "cuda:1"],
  },
  {
    name: "the larger card drafts, wherever it sits",
    ram: 64,
    gpus: [card(0, 8), card(1, 24)],
    draft: "qwen3-coder-30b-a3b",
    audit: "qwen2.5-coder-1.5b",
    on: ["cuda:1", "cuda:0"],
  },
  {
    name: "a second card too small for anything is left alone",
    ram: 64,
    gpus: [card(0, 24), card(1, 2)],
    draft: "qwen2.5-coder-14b",
    audit: "qwen2.5-coder-1.5b",
    on: ["cuda:0", "cuda:0"],
  },
];

for (const it of cases)
  test(`${it.name}: ${it.draft} with ${it.audit}`, () => {
    const choice = choose(catalogue, { ramBytes: it.ram * gib, cores: 8, gpus: it.gpus });
    assert.ok(choice);
    assert.deepEqual([choice.draft.model, choice.audit.model], [it.draft, it.audit]);
    assert.deepEqual([choice.draft.gpu, choice.audit.gpu], it.on ?? [null, null]);
    assert.match(choice.why, /\d GB/);
  });

test("whatever the cards, each keeps its reserve and nothing restricted or on trial is picked", () => {
  for (let first = 1; first <= 96; first++)
    for (const second of [0, 4, 8, 16, 24]) {
      const gpus = [card(0, first), ...(second ? [card(1, second)] : [])];
      const choice = choose(catalogue, { ramBytes: 32 * gib, cores: 8, gpus });
      assert.ok(choice);
      const placed = [choice.draft, choice.audit].map((it) => {
        const model = catalogue.find((entry) => entry.id === it.model);
        assert.ok(model && !model.isRestricted && !model.isTrial);
        return { gpu: it.gpu, bytes: needBytes(model) };
      });
      for (const gpu of gpus) {
        const used = placed.filter((it) => it.gpu === gpu.id).reduce((sum, it) => sum + it.bytes, 0);
        assert.ok(used === 0 || used + GPU_RESERVE_BYTES <= gpu.vramBytes, `${used} on ${gpu.vramBytes}`);
      }
    }
});

test("nothing to choose from", () => {
  const onlyTrial = catalogue.filter((it) => it.isTrial || it.isRestricted);
  assert.equal(choose(onlyTrial, { ramBytes: 32 * gib, cores: 8, gpus: [] }), null);
});
