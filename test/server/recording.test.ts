import assert from "node:assert/strict";
import { test } from "node:test";
import type { Decision } from "../../server/protocol/decision.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import type { Seam } from "../../server/protocol/traffic.ts";
import { createRecording } from "../../server/recording.ts";
import { createTally } from "../../server/tally.ts";
import { silentJournal } from "../fakes/journal.ts";
import { decisionOf } from "../journal/place.ts";

const cost = { queueMs: 0, loadMs: 0, prefillMs: 0, decodeMs: 0, penaltyMs: 0, totalMs: 0 };
const routedTo = (engine: string): RunEvent => {
  const candidate = { engine, model: "m", device: "d", cost, why: "" };
  return { kind: "routed", draft: candidate, audit: null, candidates: [candidate], why: "" };
};
const cloud: RunEvent = { kind: "cloud", engine: "cloud", host: "c" };
const moved: RunEvent = { kind: "seam", seam: { atCharacters: 0, from: "a", to: "b", why: "" } };

const cases: { name: string; first: string; events: RunEvent[]; want: boolean[] }[] = [
  { name: "from here to here", first: "draft", events: [moved], want: [false] },
  { name: "from here to the cloud", first: "draft", events: [cloud, moved], want: [true] },
  { name: "from the cloud to here", first: "cloud", events: [cloud, moved], want: [false] },
  { name: "to the cloud and back", first: "draft", events: [cloud, moved, moved], want: [true, false] },
  {
    name: "from the cloud to here and there again",
    first: "cloud",
    events: [cloud, moved, cloud, moved],
    want: [false, true],
  },
];
for (const it of cases)
  test(`a hand-over is kept with whether it left this machine: ${it.name}`, async () => {
    const seams: Seam[] = [];
    const recording = createRecording("cli", {
      journal: { ...silentJournal, fellBack: (_, seam) => void seams.push(seam) },
      clock: { nowMs: () => 0 },
      stamp: () => ({ id: "1", atMs: 0 }),
      tally: createTally({ clock: { nowMs: () => 0 }, wallMs: () => 0 }),
      labelOf: () => null,
    });
    const views = ["draft", "cloud"].map((id) => ({ id, isCloud: id === "cloud" }));
    await recording.record(
      "tandem/run",
      () => undefined,
      async (emit: (event: RunEvent) => void, note) => {
        note({ engines: views } as unknown as Parameters<typeof note>[0]);
        for (const event of [routedTo(it.first), ...it.events]) emit(event);
      },
    );
    assert.deepEqual(
      seams.map((seam) => seam.isCloud ?? false),
      it.want,
    );
  });

test("an engine that could not be had before the decision was told stands with it", async () => {
  const kept: Decision[] = [];
  const recording = createRecording("cli", {
    journal: { ...silentJournal, decided: (decision) => void kept.push(decision) },
    clock: { nowMs: () => 0 },
    stamp: () => ({ id: "1", atMs: 0 }),
    tally: createTally({ clock: { nowMs: () => 0 }, wallMs: () => 0 }),
    labelOf: () => null,
  });
  const events = [
    moved,
    { kind: "decision", decision: decisionOf("1") },
    { kind: "decision", decision: decisionOf("2") },
  ];
  await recording.record(
    "tandem/openai/chat",
    () => undefined,
    async (emit: (event: { kind: string }) => void) => {
      for (const it of events) emit(it);
    },
  );
  assert.deepEqual(
    kept.map((it) => [it.id, it.fallbacks.map(({ from, to }) => `${from} ${to}`)]),
    [
      ["1", ["a b"]],
      ["2", []],
    ],
  );
});
