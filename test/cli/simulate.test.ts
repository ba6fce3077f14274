import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { test } from "node:test";
import { promisify } from "node:util";
import { z } from "zod";
import { showSimulation, toSimulation } from "../../server/cli/simulate.ts";
import { SCENARIOS } from "../../server/core/simulate/scenarios.ts";
import { TandemError } from "../../server/errors.ts";
import { makePlace } from "../models/place.ts";

const ENTRY = join(import.meta.dirname, "..", "..", "server", "cli.ts");

const Judged = z.object({
  outcome: z.object({
    loads: z.number(),
    busyUnloads: z.number(),
    outOfMemory: z.number(),
    overfull: z.number(),
    served: z.number(),
    refused: z.number(),
    unserved: z.number(),
    timeline: z.array(z.object({ atMs: z.number(), kind: z.string(), text: z.string() })),
  }),
  waits: z.object({
    longestMs: z.number(),
    nearest: z.object({ name: z.string(), waitedMs: z.number(), boundMs: z.number() }).nullable(),
  }),
});
const Printed = z.object({
  governor: Judged,
  plain: Judged,
  asked: Judged,
  outOfMemoryAvoided: z.number(),
  fewestLoads: z.number().nullable(),
});

for (const [name, make] of SCENARIOS)
  test(`${name}: nothing runs out of memory, nothing in use is unloaded, everybody is served within the bound`, async () => {
    const { governor } = Printed.parse(JSON.parse(await shown([name], { json: true })));
    const { outcome, waits } = governor;
    assert.deepEqual([outcome.outOfMemory, outcome.overfull, outcome.busyUnloads], [0, 0, 0]);
    assert.deepEqual([outcome.served, outcome.refused, outcome.unserved], [make().requests.length, 0, 0]);
    assert.ok(waits.nearest && waits.nearest.waitedMs <= waits.nearest.boundMs);
  });

for (const name of ["game", "blind"])
  test(`${name}: for people no line is longer than a page is wide, and nothing is lost by that`, async () => {
    const lines = (await shown([name], {})).split("\n");
    assert.ok(
      lines.every((it) => it.length <= 110),
      lines.find((it) => it.length > 110),
    );
    const { governor } = Printed.parse(JSON.parse(await shown([name], { json: true })));
    const told = lines.map((it) => it.trim()).join(" ");
    const [first] = governor.outcome.timeline.filter((it) => it.kind === "load");
    assert.ok(first && told.includes(first.text), first?.text);
  });

test("three models of which two fit: at most 0.6 of the loads of first come first served", async () => {
  const { governor, plain, asked, fewestLoads, outOfMemoryAvoided } = Printed.parse(
    JSON.parse(await shown(["alternating"], { json: true })),
  );
  assert.equal(plain.outcome.served, 200);
  assert.ok(governor.outcome.loads <= 0.6 * plain.outcome.loads, `${governor.outcome.loads} of ${plain.outcome.loads}`);
  assert.ok(fewestLoads !== null && fewestLoads > 2 && fewestLoads <= governor.outcome.loads);
  assert.ok(outOfMemoryAvoided > 50 && outOfMemoryAvoided === asked.outcome.outOfMemory);
});

test("a trace of one's own is run from a file, and its timeline and totals printed", async () => {
  await using place = await makePlace();
  const path = join(place.folder, "trace.json");
  const models = ["a", "b"].map((key) => ({
    key,
    loadSeconds: 3,
    options: [{ needs: [{ device: "g", gigabytes: 13 }] }],
  }));
  const requests = [0, 5].map((atSeconds, nth) => ({ atSeconds, choices: ["ab"[nth]], serviceSeconds: 1 }));
  await writeFile(path, JSON.stringify({ devices: [{ device: "g", totalGigabytes: 24 }], models, requests }));
  const text = await shown([path], {});
  assert.match(text, /^0\.0 s +load +loads a \(13 GB on g, where 0\.0 GB are used/m);
  assert.match(text, /^5\.0 s +wait +r2 waits as number 1: b waits for 5\.0 GB on g: held by a \(busy|just loaded\)/m);
  assert.match(text, /^13\.0 s +unload +unloads a \(makes room for b\)/m);
  assert.match(text, /^loads that ran out of memory +0 +0 +1$/m);
  assert.match(text, /Loads that would have run out of memory, and did not: 1/);
});

test("what `--trace` prints is a trace, and gives the same", async () => {
  await using place = await makePlace();
  const path = join(place.folder, "copy.json");
  await writeFile(path, await shown(["wrong-estimate"], { trace: true }));
  assert.equal(await shown([path], {}), await shown(["wrong-estimate"], {}));
});

test("the command line lists them all and starts nothing", async () => {
  await using place = await makePlace();
  const lines = (await tandem(place.folder, "simulate", "--list")).trim().split("\n");
  assert.deepEqual(
    lines.map((it) => it.split(" ")[0]),
    [...SCENARIOS.keys()],
  );
  assert.equal(lines.length, 11);
  assert.match(await tandem(place.folder, "status", "--json"), /"pid": ?null/);
});

const base = {
  devices: [{ device: "g", totalGigabytes: 24 }],
  models: [{ key: "a", loadSeconds: 3, options: [{ needs: [{ device: "g", gigabytes: 12 }] }] }],
  requests: [{ atSeconds: 0, choices: ["a"], serviceSeconds: 1 }],
};
const wrong: readonly { name: string; text: string; why: RegExp }[] = [
  { name: "no JSON", text: "{", why: /is no trace: .*JSON/ },
  { name: "no requests", text: JSON.stringify({ ...base, requests: [] }), why: /is no trace: requests: / },
  { name: "a misspelt field", text: JSON.stringify({ ...base, request: [] }), why: /Unrecognized key: "request"/ },
  {
    name: "a misspelt rule",
    text: JSON.stringify({ ...base, rules: { maxPassedOver: 1 } }),
    why: /rules: Unrecognized key/,
  },
  {
    name: "a model that is not there",
    text: JSON.stringify({ ...base, requests: [{ ...base.requests[0], choices: ["b"] }] }),
    why: /requests: b is none of the models/,
  },
  {
    name: "a device that is not there",
    text: JSON.stringify({ ...base, devices: [{ device: "h", totalGigabytes: 24 }] }),
    why: /models: a is to go on g, which is none of the devices/,
  },
  {
    name: "a negative size",
    text: JSON.stringify({ ...base, foreign: [{ atSeconds: 0, device: "g", gigabytes: -1 }] }),
    why: /foreign\.0\.gigabytes/,
  },
  {
    name: "two of a name",
    text: JSON.stringify({ ...base, models: [...base.models, ...base.models] }),
    why: /same key/,
  },
];
for (const { name, text, why } of wrong)
  test(`refused with what is wrong: ${name}`, async () => {
    await using place = await makePlace();
    const path = join(place.folder, "trace.json");
    await writeFile(path, text);
    await assert.rejects(
      shown([path], {}),
      (error) => error instanceof TandemError && error.code === "bad-input" && why.test(error.message),
    );
  });

const misused: readonly { words: readonly string[]; flags: Parameters<typeof toSimulation>[1] }[] = [
  { words: [], flags: {} },
  { words: ["game", "hot"], flags: {} },
  { words: ["game"], flags: { list: true } },
  { words: [], flags: { trace: true } },
];
for (const { words, flags } of misused)
  test(`refused: simulate ${words.join(" ")} ${Object.keys(flags)}`, () => {
    assert.throws(() => toSimulation(words, flags), /takes one trace/);
  });

test("a name that is neither a trace nor a file", async () => {
  await assert.rejects(shown(["nowhere"], {}), /There is no trace called "nowhere"/);
});

async function shown(words: readonly string[], flags: Parameters<typeof toSimulation>[1]): Promise<string> {
  let text = "";
  const out = new Writable({
    write(piece, _, done) {
      text += piece;
      done();
    },
  });
  await showSimulation(toSimulation(words, flags), out, new AbortController().signal);
  return text;
}

async function tandem(folder: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, TANDEM_STATE: folder, TANDEM_RUNTIME: folder, TANDEM_CACHE: folder };
  const { stdout } = await promisify(execFile)(process.execPath, [ENTRY, ...args], { env });
  return stdout;
}
