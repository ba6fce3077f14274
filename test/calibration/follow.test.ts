import assert from "node:assert/strict";
import { test } from "node:test";
import { createFollow, type Readings } from "../../server/calibration/follow.ts";

/** Bytes of our process as the driver lists it, report by report; null: it is not listed. */
const cases: readonly { name: string; reports: readonly (number | null)[]; want: readonly number[] }[] = [
  { name: "told once it is seen", reports: [null, null, 500], want: [500] },
  { name: "the same is not told again", reports: [500, 500, 501, 500], want: [500] },
  { name: "more is told, less is not", reports: [500, 400, 600], want: [500, 600] },
  { name: "five times at most", reports: [1, 2, 4, 8, 16, 32, 64], want: [1, 2, 4, 8, 16] },
  { name: "given up when it is never seen", reports: [...Array(120).fill(null), 500], want: [] },
  { name: "given up when it is gone", reports: [500, ...Array(120).fill(null), 900], want: [500] },
];

for (const it of cases)
  test(it.name, () => {
    const driver = fakeDriver();
    const told: number[] = [];
    createFollow(driver.readings)(7, (held) => {
      assert.deepEqual(
        held.map(({ device }) => device),
        ["GPU-0"],
      );
      told.push(...held.map(({ bytes }) => bytes));
    });
    for (const bytes of it.reports) driver.report(bytes);
    assert.deepEqual(told, it.want);
  });

test("a driver that hides the sizes tells nothing", () => {
  const driver = fakeDriver();
  createFollow(driver.readings)(7, () => assert.fail("nothing is known"));
  driver.report("hidden");
});

function fakeDriver() {
  const listeners = new Set<() => void>();
  let gpus: ReturnType<Readings["now"]>["gpus"] = [];
  const readings: Readings = {
    now: () => ({ gpus }),
    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const stranger = { pid: 8, name: "game", bytes: 900 };
  return {
    readings,
    report(bytes: number | null | "hidden") {
      const ours = bytes === null ? [] : [{ pid: 7, name: "node", bytes: bytes === "hidden" ? null : bytes }];
      const other = { reading: { uuid: "GPU-1", processes: null } };
      gpus = [{ reading: { uuid: "GPU-0", processes: [stranger, ...ours] } }, other];
      for (const it of [...listeners]) it();
    },
  };
}
