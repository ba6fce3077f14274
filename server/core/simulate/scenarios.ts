import { GOVERN_RULES } from "../govern/rules.ts";
import type { Trace, TraceModel, TraceRequest } from "./trace.ts";

/** The traces that Tandem ships, by name. */
export const SCENARIOS: ReadonlyMap<string, () => Trace> = new Map([
  ["two-24", twoCards],
  ["one-24", oneCard],
  ["one-8", smallCard],
  ["unlike-pair", unlikePair],
  ["eight", eightCards],
  ["game", game],
  ["hot", hot],
  ["wrong-estimate", wrongEstimate],
  ["alternating", alternating],
  ["blind", blind],
  ["saturated", saturated],
]);

type Given = Pick<Trace, "about" | "devices" | "models" | "requests"> & Partial<Trace>;

function traceOf(given: Given): Trace {
  return { foreign: [], warmth: [], telemetry: [], rules: {}, tellsProcesses: true, untilSeconds: 0, ...given };
}

function card(nth: number, totalGigabytes: number, name: string): Trace["devices"][number] {
  return { device: `gpu${nth}`, name, totalGigabytes, reserveGigabytes: 3 };
}

type Shape = Partial<Omit<TraceModel, "key" | "label">> & {
  readonly gigabytes: number;
  readonly on: readonly string[];
};

function model(key: string, { gigabytes, on, ...more }: Shape): TraceModel {
  const options = on.map((device) => ({ needs: [{ device, gigabytes }] }));
  const usual = { kind: "writer", slots: 1, loadSeconds: 4, unloadSeconds: 0.5, weight: 1, saysHeld: true } as const;
  return { key, label: key, options, ...usual, ...more };
}

/** One request after the other, each for the next of these models. */
function inTurn(
  choices: readonly (readonly string[])[],
  { count, every, seconds }: { count: number; every: number; seconds: number },
) {
  return Array.from({ length: count }, (_, nth): TraceRequest => {
    const priority = nth % 11 === 10 ? "background" : "interactive";
    return { atSeconds: nth * every, choices: choices[nth % choices.length] ?? [], priority, serviceSeconds: seconds };
  });
}

const WORK = [["writer-14b"], ["auditor-7b"], ["embedder"], ["writer-14b"], ["auditor-7b"], ["reranker"]];

function workModels(on: readonly string[]): readonly TraceModel[] {
  return [
    model("writer-14b", { gigabytes: 10.5, on, loadSeconds: 9 }),
    model("auditor-7b", { gigabytes: 6.2, on, loadSeconds: 5, slots: 2 }),
    model("embedder", { gigabytes: 1.1, on: [...on, "cpu"], loadSeconds: 2, kind: "embedder", slots: 4 }),
    model("reranker", { gigabytes: 1.3, on: [...on, "cpu"], loadSeconds: 2, kind: "reranker", slots: 4 }),
  ];
}

const MAIN_MEMORY = { device: "cpu", name: "main memory", totalGigabytes: 64, reserveGigabytes: 4 };

function twoCards(): Trace {
  const on = ["gpu0", "gpu1"];
  const large = model("writer-32b", { gigabytes: 20, on, loadSeconds: 20 });
  const pair = [
    { device: "gpu0", gigabytes: 18 },
    { device: "gpu1", gigabytes: 18 },
  ];
  const both = { ...model("writer-70b", { gigabytes: 36, on: [], loadSeconds: 40 }), options: [{ needs: pair }] };
  const work = inTurn([...WORK, ["writer-32b"]], { count: 40, every: 6, seconds: 5 });
  const last = { atSeconds: 260, choices: ["writer-70b"], priority: "interactive", serviceSeconds: 20 } as const;
  return traceOf({
    about:
      "Two cards with 24 GB: a draft and its audit side by side, then a model that needs nearly all of one, then one that needs both",
    devices: [card(0, 24, "RTX 3090"), card(1, 24, "RTX 3090"), MAIN_MEMORY],
    models: [...workModels(on), large, both],
    requests: [...work, last, { ...last, atSeconds: 300, choices: ["auditor-7b"], serviceSeconds: 4 }],
    foreign: [{ atSeconds: 0, device: "gpu0", gigabytes: 0.8 }],
  });
}

function oneCard(): Trace {
  return traceOf({
    about:
      "One card with 24 GB: writer, auditor, embedder and reranker share it, then a model that needs nearly all of it",
    devices: [card(0, 24, "RTX 3090"), MAIN_MEMORY],
    models: [...workModels(["gpu0"]), model("writer-32b", { gigabytes: 19, on: ["gpu0"], loadSeconds: 18 })],
    requests: [
      ...inTurn(WORK, { count: 30, every: 7, seconds: 4 }),
      ...inTurn([["writer-32b"]], { count: 3, every: 9, seconds: 12 }).map((it) => ({
        ...it,
        atSeconds: it.atSeconds + 215,
      })),
    ],
    foreign: [{ atSeconds: 0, device: "gpu0", gigabytes: 0.8 }],
    untilSeconds: 620,
  });
}

function smallCard(): Trace {
  const on = ["gpu0"];
  return traceOf({
    about:
      "One card with 8 GB, of which a desktop has a part: a 7B in 4 bits and a small one take turns, a large one is never loaded",
    devices: [card(0, 8, "RTX 3060 Ti"), { ...MAIN_MEMORY, totalGigabytes: 16 }],
    models: [
      model("writer-7b", { gigabytes: 4.4, on, loadSeconds: 4 }),
      model("auditor-1.5b", { gigabytes: 1.4, on, loadSeconds: 2 }),
      model("embedder", { gigabytes: 0.4, on: ["gpu0", "cpu"], kind: "embedder", slots: 4, loadSeconds: 1 }),
      model("writer-14b", { gigabytes: 9, on, loadSeconds: 9 }),
    ],
    requests: inTurn([["writer-14b", "writer-7b"], ["auditor-1.5b"], ["embedder"]], {
      count: 36,
      every: 5,
      seconds: 3,
    }),
    foreign: [{ atSeconds: 0, device: "gpu0", gigabytes: 0.5 }],
  });
}

function unlikePair(): Trace {
  return traceOf({
    about:
      "A card with 24 GB and one with 12: what fits on both goes where there is room, what is large only where it fits",
    devices: [card(0, 24, "RTX 4090"), card(1, 12, "RTX 3060"), MAIN_MEMORY],
    models: [...workModels(["gpu0", "gpu1"]), model("writer-32b", { gigabytes: 19, on: ["gpu0"], loadSeconds: 15 })],
    requests: inTurn([...WORK, ["writer-32b"]], { count: 42, every: 6, seconds: 4 }),
    foreign: [{ atSeconds: 0, device: "gpu1", gigabytes: 0.6 }],
  });
}

function eightCards(): Trace {
  const devices = Array.from({ length: 8 }, (_, nth) => card(nth, 24, `A5000 number ${nth}`));
  const on = devices.map((it) => it.device);
  const sizes = [4, 6, 8, 10, 12, 14, 16, 18, 20, 7, 9, 11, 13, 15, 17, 19];
  const models = sizes.map((gigabytes, nth) =>
    model(`model-${nth + 1}`, { gigabytes, on, loadSeconds: gigabytes / 2, slots: 1 + (nth % 3) }),
  );
  const split = on.slice(0, 4).map((device) => ({ device, gigabytes: 15 }));
  const wide = { ...model("wide", { gigabytes: 60, on: [], loadSeconds: 45 }), options: [{ needs: split }] };
  const wanted = Array.from({ length: 160 }, (_, nth) => [`model-${((nth * 7) % sizes.length) + 1}`]);
  return traceOf({
    about: "Eight cards with 24 GB and seventeen models, one of which needs four of them",
    devices,
    models: [...models, wide],
    requests: [
      ...inTurn(wanted, { count: 160, every: 2, seconds: 6 }),
      { atSeconds: 120, choices: ["wide"], priority: "interactive", serviceSeconds: 15 },
    ],
  });
}

function game(): Trace {
  const rise = [1, 2, 3, 4, 5, 6].map((gigabytes, nth) => ({ atSeconds: 60 + nth * 3, device: "gpu0", gigabytes }));
  return traceOf({
    about:
      "A game takes 6 GB of the only card in the middle of a session and gives them back later: the idle model leaves before memory runs out",
    devices: [card(0, 24, "RTX 4080"), { ...MAIN_MEMORY, totalGigabytes: 32 }],
    models: [
      model("writer-14b", { gigabytes: 11, on: ["gpu0"], loadSeconds: 9 }),
      model("auditor-14b", { gigabytes: 9, on: ["gpu0"], loadSeconds: 8 }),
    ],
    requests: [
      ...inTurn([["writer-14b"], ["auditor-14b"]], { count: 6, every: 8, seconds: 3 }),
      ...inTurn([["writer-14b"], ["auditor-14b"]], { count: 8, every: 20, seconds: 3 }).map((it) => ({
        ...it,
        atSeconds: it.atSeconds + 100,
      })),
    ],
    foreign: [...rise, { atSeconds: 240, device: "gpu0", gigabytes: 0 }],
    rules: { highIdleMs: GOVERN_RULES.highIdleMs },
  });
}

function hot(): Trace {
  return traceOf({
    about: "One of two cards has 84 °C for three minutes: new models go to the other, background work waits",
    devices: [card(0, 24, "RTX 3090, upper"), card(1, 24, "RTX 3090, lower"), MAIN_MEMORY],
    models: [...workModels(["gpu0", "gpu1"]), model("writer-7b", { gigabytes: 5.5, on: ["gpu0", "gpu1"] })],
    requests: inTurn([["writer-14b"], ["auditor-7b"], ["writer-7b"], ["embedder"]], {
      count: 40,
      every: 7,
      seconds: 5,
    }),
    warmth: [
      { atSeconds: 0, device: "gpu0", celsius: 84 },
      { atSeconds: 180, device: "gpu0", celsius: 62 },
    ],
  });
}

function wrongEstimate(): Trace {
  const off = { ...model("writer-14b", { gigabytes: 9, on: [], loadSeconds: 9 }) };
  const options = [{ needs: [{ device: "gpu0", gigabytes: 9 }], takes: [{ device: "gpu0", gigabytes: 11.2 }] }];
  return traceOf({
    about:
      "A model takes 11.2 GB where 9 were reckoned: the ledger takes what it holds, and the next load is reckoned with it",
    devices: [card(0, 24, "RTX 3090"), MAIN_MEMORY],
    models: [{ ...off, options }, model("auditor-14b", { gigabytes: 10.5, on: ["gpu0"], loadSeconds: 8 })],
    requests: inTurn([["writer-14b"], ["auditor-14b"]], { count: 16, every: 12, seconds: 4 }),
    foreign: [{ atSeconds: 0, device: "gpu0", gigabytes: 0.9 }],
  });
}

function alternating(): Trace {
  const keys = ["first", "second", "third"];
  return traceOf({
    about: "200 requests that alternate between three models of which two fit at a time",
    devices: [card(0, 24, "RTX 3090")],
    models: keys.map((key) => model(key, { gigabytes: 9, on: ["gpu0"] })),
    requests: inTurn(
      keys.map((it) => [it]),
      { count: 200, every: 6, seconds: 2 },
    ).map((it) => ({ ...it, priority: "interactive" as const })),
    foreign: [{ atSeconds: 0, device: "gpu0", gigabytes: 0.8 }],
  });
}

function blind(): Trace {
  return traceOf({
    about:
      "Readings of the card go stale, then break, and come back after two minutes: work goes on, more memory stays free",
    devices: [card(0, 24, "RTX 3090"), MAIN_MEMORY],
    models: workModels(["gpu0"]),
    requests: inTurn(WORK, { count: 36, every: 7, seconds: 4 }),
    foreign: [
      { atSeconds: 0, device: "gpu0", gigabytes: 1.5 },
      { atSeconds: 80, device: "gpu0", gigabytes: 2.5 },
    ],
    telemetry: [
      { atSeconds: 40, device: "gpu0", health: "stale" },
      { atSeconds: 70, device: "gpu0", health: "broken" },
      { atSeconds: 160, device: "gpu0", health: "ok" },
    ],
  });
}

/** Background work asks all the time for all that there is; a person asks every few seconds. */
function saturated(): Trace {
  const [writer, embedder] = [["writer-14b"], ["embedder"]];
  const all = (count: number, choices: readonly string[], seconds: number) =>
    Array.from({ length: count }, (_, nth): TraceRequest => {
      const usual = { priority: "background", serviceSeconds: seconds, yields: true } as const;
      return { atSeconds: (nth * seconds) / 2, choices, ...usual };
    });
  const person = Array.from({ length: 12 }, (_, nth): TraceRequest => {
    return { atSeconds: 20 + nth * 9, choices: writer, priority: "interactive", serviceSeconds: 2 };
  });
  return traceOf({
    about:
      "Background work takes every turn that there is on two models of one card, and a person asks every nine seconds",
    devices: [card(0, 24, "RTX 3090"), MAIN_MEMORY],
    models: workModels(["gpu0"]).filter(({ key }) => key === "writer-14b" || key === "embedder"),
    requests: [...all(8, writer, 12), ...all(12, embedder, 5), ...person],
    foreign: [{ atSeconds: 0, device: "gpu0", gigabytes: 0.8 }],
  });
}
