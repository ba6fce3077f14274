import assert from "node:assert/strict";
import { test } from "node:test";
import { briefOf } from "../../extension/brief.ts";
import type { Status } from "../../server/protocol/status.ts";
import { engineOf, GB, gpuOf, statusOf } from "../fakes/statuses.ts";

const trial = { ...engineOf("t").model, label: "TinyLlama 1.1B Chat (2-bit, for trying Tandem out)" };
const long = { ...engineOf("t").model, label: "A-model-with-a-name-of-forty-characters" };
const heat = { level: "hot", why: "84 °C" } as const;

const rows: { name: string; status: Partial<Status>; text: string; alarm?: string | null }[] = [
  { name: "nothing is loaded", status: { engines: [engineOf("a", { state: "idle" })], gpus: [gpuOf(0)] }, text: "" },
  { name: "a model on the processor", status: { engines: [engineOf("a")] }, text: "Qwen 14B" },
  {
    name: "the fullest card",
    status: { engines: [engineOf("a")], gpus: [gpuOf(0), gpuOf(1, { usedBytes: 18 * GB })] },
    text: "Qwen 14B · 75 %",
  },
  {
    name: "the drafter before the auditor, and nobody else's",
    status: {
      engines: [
        engineOf("a", { roles: [], model: long }),
        engineOf("b", { roles: ["audit"], model: trial }),
        engineOf("c"),
      ],
    },
    text: "Qwen 14B",
  },
  {
    name: "brackets are left out",
    status: { engines: [engineOf("a", { model: trial })] },
    text: "TinyLlama 1.1B Chat",
  },
  { name: "a long name is cut", status: { engines: [engineOf("a", { model: long })] }, text: "A-model-with-a-name-o…" },
  {
    name: "old numbers are not shown",
    status: { engines: [engineOf("a")], gpus: [gpuOf(0, { health: "stale" })] },
    text: "Qwen 14B",
  },
  {
    name: "a full card is worth a warning, before a hot one",
    status: { gpus: [gpuOf(0, { thermal: heat }), gpuOf(1, { pressure: "critical" })] },
    text: "",
    alarm: "memory of NVIDIA GeForce RTX 3090 is critical",
  },
  {
    name: "a hot card",
    status: { gpus: [gpuOf(0, { thermal: heat })] },
    text: "",
    alarm: "NVIDIA GeForce RTX 3090 is hot: 84 °C",
  },
  {
    name: "a card that is not read",
    status: { gpus: [gpuOf(0, { health: "broken", trouble: { reason: "it is lost", nextStep: "x" } })] },
    text: "",
    alarm: "NVIDIA GeForce RTX 3090 is not read: it is lost",
  },
];

for (const { name, status, text, alarm = null } of rows)
  test(name, () => assert.deepEqual(briefOf(statusOf(status)), { text, alarm }));
