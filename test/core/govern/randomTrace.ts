import type { Trace, TraceModel } from "../../../server/core/simulate/trace.ts";

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let at = seed;
  return () => {
    at = (at + 0x6d2b79f5) | 0;
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a random trace may hold besides models and requests. */
export interface Weather {
  readonly foreign: "none" | "some";
  readonly telemetry: "good" | "bad";
  readonly heat: "cool" | "hot";
  readonly estimates: "right" | "wrong";
}

export const CALM: Weather = { foreign: "none", telemetry: "good", heat: "cool", estimates: "right" };

/** A small machine with more models than it can hold, and requests in bursts. */
export function randomTrace(seed: number, weather: Weather): Trace {
  const random = randomFrom(seed);
  const whole = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const sizes = Array.from({ length: whole(1, 3) }, () => pick([8, 12, 24]));
  const devices = sizes.map((totalGigabytes, nth) => ({
    device: `g${nth}`,
    name: `Card ${nth}`,
    totalGigabytes,
    reserveGigabytes: 3,
  }));
  const fits = devices.filter((it) => it.totalGigabytes >= 8);
  const models = Array.from({ length: whole(2, 5) }, (_, nth): TraceModel => {
    const most = Math.min(...fits.map((it) => it.totalGigabytes)) - 3;
    const gigabytes = whole(1, most * 2) / 2;
    const off = weather.estimates === "wrong" ? pick([0.8, 1, 1.06]) : 1;
    const options = devices.map(({ device }) => ({
      needs: [{ device, gigabytes }],
      takes: [{ device, gigabytes: gigabytes * off }],
    }));
    const [a, b] = devices;
    const half = gigabytes / 2 + 0.5;
    if (a && b && random() < 0.3) {
      const needs = [a, b].map(({ device }) => ({ device, gigabytes: half }));
      options.push({ needs, takes: needs.map((it) => ({ ...it, gigabytes: it.gigabytes * off })) });
    }
    const shape = { kind: pick(["writer", "writer", "embedder"] as const), slots: whole(1, 3), weight: 1 };
    const times = { loadSeconds: whole(1, 8), unloadSeconds: whole(0, 2) };
    return { key: `m${nth}`, label: `Model ${nth}`, options, ...shape, ...times, saysHeld: random() < 0.5 };
  });
  let atSeconds = 0;
  // Of its own, so that a trace is the same with and without it.
  const canYield = randomFrom(seed * 7_919);
  const requests = Array.from({ length: whole(10, 40) }, () => {
    atSeconds += random() < 0.6 ? random() : random() * 20;
    const first = pick(models);
    const smaller = models.filter((it) => sizeOf(it) < sizeOf(first)).map((it) => it.key);
    const choices = random() < 0.2 ? [first.key, ...smaller.slice(0, 1)] : [first.key];
    const priority = pick(["interactive", "interactive", "task", "background"] as const);
    const yields = canYield() < 0.7;
    return { atSeconds, choices, priority, serviceSeconds: whole(1, 12), yields };
  });
  const moments = (count: number) =>
    Array.from({ length: count }, () => ({ atSeconds: random() * atSeconds, device: pick(devices).device }));
  const foreign = weather.foreign === "some" ? moments(4).map((it) => ({ ...it, gigabytes: whole(0, 3) })) : [];
  const warmth = weather.heat === "hot" ? moments(4).map((it) => ({ ...it, celsius: pick([50, 70, 82, 90]) })) : [];
  const telemetry =
    weather.telemetry === "bad"
      ? moments(4).map((it) => ({ ...it, health: pick(["ok", "stale", "broken"] as const) }))
      : [];
  // In the end all is well, so that whoever still waits can be served.
  const endSeconds = atSeconds + 60;
  const well = devices.map(({ device }) => ({ device, atSeconds: endSeconds }));
  return {
    about: `random ${seed}`,
    devices,
    models,
    requests,
    foreign: [...foreign, ...well.map((it) => ({ ...it, gigabytes: 0 }))],
    warmth: [...warmth, ...well.map((it) => ({ ...it, celsius: 45 }))],
    telemetry: [...telemetry, ...well.map((it) => ({ ...it, health: "ok" as const }))],
    rules: {},
    tellsProcesses: random() < 0.5,
    untilSeconds: endSeconds + 20,
  };
}

function sizeOf(model: TraceModel): number {
  return model.options[0]?.needs[0]?.gigabytes ?? 0;
}

/** One card and more work than it can do: every model is wanted all the time. */
export function crowdedTrace(seed: number): Trace {
  const random = randomFrom(seed);
  const whole = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  const count = whole(2, 5);
  const models = Array.from({ length: count }, (_, nth): TraceModel => {
    const options = [{ needs: [{ device: "g0", gigabytes: whole(5, 18) }] }];
    const shape = { kind: "writer", slots: whole(1, 3), weight: 1, saysHeld: true } as const;
    return { key: `m${nth}`, label: `Model ${nth}`, options, ...shape, loadSeconds: whole(1, 9), unloadSeconds: 1 };
  });
  const requests = Array.from({ length: 60 }, (_, nth) => ({
    atSeconds: nth * random() * 2,
    choices: [`m${whole(0, count - 1)}`],
    priority: "interactive" as const,
    serviceSeconds: whole(1, 15),
  })).sort((a, b) => a.atSeconds - b.atSeconds);
  const devices = [{ device: "g0", name: "Card", totalGigabytes: 24, reserveGigabytes: 3 }];
  const calm = { foreign: [], warmth: [], telemetry: [], rules: {}, tellsProcesses: random() < 0.5, untilSeconds: 0 };
  return { about: `crowded ${seed}`, devices, models, requests, ...calm };
}
