import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { route } from "../../server/core/route/decide.ts";
import { recordOf } from "../../server/core/route/record.ts";
import { MOST_INPUTS } from "../../server/journal/decisionTable.ts";
import { STEPS } from "../../server/journal/schema.ts";
import { MOST_FALLBACKS } from "../../server/protocol/decision.ts";
import type { RouteRecord } from "../../server/protocol/routing.ts";
import { routable } from "../core/routable.ts";
import { decisionOf, idsOf, makePlace } from "./place.ts";

function inputOf(engines: readonly ReturnType<typeof routable>[]): RouteRecord {
  const sizes = { promptTokens: 500, outputTokens: 100 };
  const input = { tier: "moderate", isAudited: false, ...sizes, engines, draw: 0.25, warmTokens: { a: 40 } } as const;
  return recordOf(input, route(input) ?? assert.fail());
}

test("what a decision was made from comes to who asks for it, and to no other", async () => {
  await using place = await makePlace();
  const first = await place.open();
  const input = inputOf([routable("a"), routable("b", { load: 3 })]);
  first.decided(decisionOf("1"), input);
  first.decided(decisionOf("2"), null);
  first.decided(decisionOf("3"));
  assert.deepEqual(
    first.decisions({ limit: 9 }).map((it) => "input" in it),
    [false, false, false],
  );
  assert.deepEqual(
    first.decisions({ limit: 9, withInput: true }).map((it) => it.input),
    [undefined, undefined, input],
  );
  first[Symbol.dispose]();
  const [one, ...more] = (await place.open()).decisions({ limit: 9, id: "1" });
  assert.deepEqual([one?.id, one?.input, more.length], ["1", input, 0]);
});

test("inputs are kept of the newest decisions only, and none that is absurdly long", async () => {
  await using place = await makePlace();
  const journal = await place.open();
  const input = inputOf([routable("a")]);
  for (let at = 0; at < MOST_INPUTS + 600; at++) journal.decided(decisionOf(`${at}`), input);
  const has = (id: string) => journal.decisions({ limit: 1, id })[0]?.input !== undefined;
  assert.deepEqual([has("0"), has(`${MOST_INPUTS + 599}`)], [false, true]);
  assert.equal(idsOf(journal, { limit: 500, before: "100" }).length, 100, "the decisions themselves are");
  journal.decided(decisionOf("long"), inputOf(Array.from({ length: 200 }, (_, at) => routable(`e${at}`))));
  assert.deepEqual([has("long"), idsOf(journal, { limit: 1 })], [false, ["long"]]);
});

test("neither words of the request nor places of files are kept with it", async () => {
  await using place = await makePlace();
  const journal = await place.open();
  const label = "/home/somebody/models/coder.gguf";
  const a = routable("a");
  const input = inputOf([{ ...a, model: { ...a.model, id: `file:${label}`, label }, serves: ["somebodys-other"] }]);
  journal.decided(decisionOf("1", { taken: '"fix hunter2" speaks for fix' }), input);
  const [entry] = journal.decisions({ limit: 1, id: "1" });
  assert.deepEqual([entry?.input?.engines[0]?.model.label, entry?.taken], ["coder.gguf", ""]);
  journal[Symbol.dispose]();
  const bytes = await readFile(place.file, "latin1");
  for (const word of ["somebody", "hunter2"]) assert.equal(bytes.includes(word), false, word);
});

test("engines that went on stand with the decision, in order, and not without end", async () => {
  await using place = await makePlace();
  const journal = await place.open();
  journal.decided(decisionOf("1"));
  journal.decided(decisionOf("2"));
  const seam = (at: number) => ({ atCharacters: at, from: "A", to: "B", why: "A refused connections" });
  for (let at = 0; at < MOST_FALLBACKS + 5; at++) journal.fellBack("1", seam(at));
  journal.fellBack("unknown", seam(0));
  journal.ended("1", { kind: "ok", totalMs: 5 });
  const [two, one] = journal.decisions({ limit: 2 });
  assert.deepEqual(
    one?.fallbacks.map((it) => it.atCharacters),
    Array.from({ length: MOST_FALLBACKS }, (_, at) => at),
  );
  assert.deepEqual([one?.outcome, two?.fallbacks], [{ kind: "ok", totalMs: 5 }, []]);
});

test("a journal of the first version is read, and its decisions have no input", async () => {
  await using place = await makePlace();
  (await place.open())[Symbol.dispose]();
  const { backend: _, fallbacks: __, after: ___, taken: ____, confidence: _____, ...old } = decisionOf("old");
  {
    using database = new DatabaseSync(place.file);
    database.exec("DROP TABLE lives; DROP TABLE residents; DROP TABLE decisions; PRAGMA user_version = 1");
    database.exec(STEPS[0] ?? "");
    database.prepare("INSERT INTO decisions (id, life, body) VALUES ('old', 1, ?)").run(JSON.stringify(old));
  }
  const journal = await place.open();
  journal.decided(decisionOf("new"), inputOf([routable("a")]));
  const [now, then] = journal.decisions({ limit: 2, withInput: true });
  assert.deepEqual(
    [now?.id, now?.input?.chosen, then?.id, then?.input],
    ["new", { draft: "a", audit: null }, "old", undefined],
  );
  assert.deepEqual([then?.backend, then?.fallbacks, then?.confidence], [null, [], null]);
});
