import assert from "node:assert/strict";
import { test } from "node:test";
import { createTally, type Governed } from "../../server/tally.ts";

type News = Governed["news"];
type Effects = Governed["effects"];
const unload: Effects = [{ kind: "unload", key: "e1", cause: "idle", why: "", graceMs: 0 }];
const load: Effects = [{ kind: "load", key: "e1", option: "gpu", why: "" }];
const wait: Effects = [{ kind: "wait", request: "a", position: 1, why: "" }];
const grant: Effects = [{ kind: "grant", request: "a", key: "e1", why: null }];
const tick: News = { kind: "tick" };
const release: News = { kind: "release", key: "e1" };

/** What is told, one second after another. */
function tallied(...told: readonly (readonly [News, Effects])[]) {
  let nowMs = 0;
  const tally = createTally({ clock: { nowMs: () => nowMs }, wallMs: () => 0 });
  for (const [news, effects] of told) {
    tally.governed({ news, effects, modelOf: (key) => (key === "e1" ? "Qwen" : null) });
    nowMs += 1_000;
  }
  return tally.read();
}

const unloads = [
  { name: "the governor's own is its own", told: [[tick, unload]], want: "governor" },
  { name: "one that the user asks for is his", told: [[release, unload]], want: "user" },
  {
    name: "also where it is busy for a while",
    told: [
      [release, []],
      [tick, []],
      [tick, unload],
    ],
    want: "user",
  },
  {
    name: "not after it was loaded anew",
    told: [
      [release, []],
      [tick, load],
      [tick, unload],
    ],
    want: "governor",
  },
] as const;
for (const { name, told, want } of unloads)
  test(`whose an unload is: ${name}`, () => {
    const counted = tallied(...told).unloads.map((it) => [it.labels, it.count]);
    assert.deepEqual(counted, [[{ model: "Qwen", by: want, why: "idle" }, 1]]);
  });

test("a request waits from when it is first told so until its turn", () => {
  const { waits, waitSeconds, grants } = tallied([tick, wait], [tick, wait], [tick, grant], [tick, grant]);
  assert.equal(waits[0]?.count, 1);
  assert.deepEqual([waitSeconds.all[0]?.count, waitSeconds.all[0]?.seconds], [1, 2]);
  assert.equal(grants[0]?.count, 2);
});

test("one that gives up has not waited for a turn", () => {
  const { waits, waitSeconds } = tallied([tick, wait], [{ kind: "done", request: "a" }, []], [tick, grant]);
  assert.equal(waits[0]?.count, 1);
  assert.deepEqual(waitSeconds.all, []);
});

test("models beyond the first fifty are counted together, and a path is no name", () => {
  const tally = createTally({ clock: { nowMs: () => 0 }, wallMs: () => 0 });
  for (let nth = 0; nth < 200; nth++)
    tally.began({ method: "run", client: "cli" }).ended("ok", `/models/private/model-${nth}`);
  const { requests } = tally.read();
  assert.equal(requests.length, 51);
  assert.equal(requests.find((it) => it.labels.model === "other")?.count, 150);
  assert.ok(requests.every((it) => /^(model-\d+|other)$/.test(it.labels.model ?? "")));
});
