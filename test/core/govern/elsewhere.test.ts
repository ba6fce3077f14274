import assert from "node:assert/strict";
import { test } from "node:test";
import { GOVERN_RULES } from "../../../server/core/govern/rules.ts";
import { ledgerOf } from "../../../server/core/govern/view.ts";
import { card, devices, GB, model, play, want } from "./scene.ts";

const cases = [
  { name: "what the engine says is in main memory instead", held: [{ device: "cpu", bytes: 12 * GB }], mainGb: 12 },
  { name: "where it says nothing, all that was reckoned is", held: null, mainGb: 10 },
];

for (const { name, held, mainGb } of cases)
  test(`what was reserved of a GPU that the engine could not use is free again; ${name}`, () => {
    const { state, got } = play([
      [0, devices(card("g0", 1), card("cpu", 1))],
      [0, want("r1", model("a", 10))],
      [5, { kind: "loaded", key: "a", held, slots: 1, tookMs: 5_000, isOnProcessor: true }],
      [6, want("r2", model("b", 12))],
    ]);
    assert.deepEqual(got.at(-1), ["load b g0"], "nobody is unloaded for it");
    const ledgers = ledgerOf(state, GOVERN_RULES).map((it) => [it.device, ...it.ours.map(({ bytes }) => bytes / GB)]);
    assert.deepEqual(ledgers, [
      ["g0", 12],
      ["cpu", mainGb],
    ]);
  });
