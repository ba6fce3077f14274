import assert from "node:assert/strict";
import { test } from "node:test";
import { gpuLines, shownIn } from "../../server/cli/gpusTable.ts";
import { gpuOf, statusOf } from "../fakes/statuses.ts";

const status = statusOf({ gpus: [gpuOf(0), gpuOf(1)] });
const FACTS = ["67 %", "moderate", "73 %", "61 °C", "214 of 350 W", "nothing"];

for (const columns of [40, 60, 80, 100, 200])
  test(`a terminal of ${columns} columns shows all that is known of each GPU`, () => {
    const lines = gpuLines(status, columns);
    const told = lines.join("\n").split(/^(?=\d )/m);
    assert.equal(told.length, 3, "the head, and two GPUs");
    for (const gpu of told.slice(1)) for (const fact of FACTS) assert.ok(gpu.includes(fact), `${fact} in ${gpu}`);
    const widest = Math.max(...lines.map((it) => it.length));
    // Who holds the memory stands on one line, and so do name and state: where they have no place, the terminal wraps them.
    assert.ok(widest <= Math.max(columns, 50), `${widest} columns`);
  });

test("where it is wide enough, each GPU has one line and whose its memory is", () => {
  const lines = gpuLines(status, 200);
  assert.deepEqual(lines, gpuLines(status));
  assert.equal(lines.length, 5);
});

const windows = [
  { name: "all has a place", rows: 5, want: ["a", "b", "c", "d"] },
  { name: "the cursor takes a line", rows: 4, want: ["a", "b", "… 2 more lines; a higher window shows them"] },
  { name: "next to none", rows: 1, want: ["… 4 more lines; a higher window shows them"] },
];

for (const { name, rows, want } of windows)
  test(`so many lines as a window shows: ${name}`, () => {
    assert.deepEqual(shownIn(["a", "b", "c", "d"], { columns: 80, rows }), want);
  });

test("a line that is wider than the window takes two of its lines", () => {
  const lines = ["a".repeat(15), "b", "c"];
  assert.deepEqual(shownIn(lines, { columns: 10, rows: 5 }), lines);
  assert.deepEqual(shownIn(lines, { columns: 10, rows: 4 }), [lines[0], "… 2 more lines; a higher window shows them"]);
});
