import assert from "node:assert/strict";
import { test } from "node:test";
import { forecast } from "../../server/core/forecast.ts";

const GB = 1024 ** 3;
const MINUTE = 60_000;

/** One sample a minute; null: not told. */
const history = (minutes: number, usedGb: (minute: number) => number | null) =>
  Array.from({ length: minutes + 1 }, (_, nth) => {
    const used = usedGb(nth);
    const rest = { totalBytes: 24 * GB, busyPercent: null, celsius: null, powerWatts: null };
    return { atMs: nth * MINUTE, usedBytes: used === null ? null : used * GB, ...rest };
  });

interface Case {
  readonly name: string;
  readonly samples: ReturnType<typeof history>;
  readonly hours: number;
  /** In GB. */
  readonly projected: number | null;
  readonly isTrend: boolean;
}

const cases: readonly Case[] = [
  { name: "nothing known", samples: [], hours: 1, projected: null, isTrend: false },
  { name: "nobody tells", samples: history(60, () => null), hours: 1, projected: null, isTrend: false },
  { name: "two minutes", samples: history(2, () => 10), hours: 1, projected: 10, isTrend: false },
  { name: "steady", samples: history(60, () => 10), hours: 1, projected: 10, isTrend: true },
  { name: "two GB an hour more", samples: history(60, (at) => 10 + at / 30), hours: 1, projected: 14, isTrend: true },
  { name: "less", samples: history(120, (at) => 20 - at / 30), hours: 2, projected: 12, isTrend: true },
  { name: "never more than there is", samples: history(60, (at) => at / 3), hours: 1, projected: 24, isTrend: true },
  { name: "never less than nothing", samples: history(60, (at) => 12 - at / 6), hours: 1, projected: 0, isTrend: true },
  {
    name: "a day ahead from an hour: an hour ahead",
    samples: history(60, (at) => 10 + at / 30),
    hours: 24,
    projected: 14,
    isTrend: true,
  },
];

for (const { name, samples, hours, projected, isTrend } of cases)
  test(name, () => {
    const made = forecast(samples, hours);
    const inGb = made.projectedBytes === null ? null : Math.round((made.projectedBytes / GB) * 1_000) / 1_000;
    assert.equal(inGb, projected);
    assert.equal(made.fromBytes !== null, isTrend);
    assert.match(made.why, isTrend ? /GiB an hour over/ : /too little is known/);
  });

test("what jumps about has a wide interval, what is steady a narrow one", () => {
  const width = (jump: number) => {
    const { fromBytes, toBytes } = forecast(
      history(60, (at) => 10 + (at % 2 === 0 ? jump : -jump)),
      1,
    );
    return (toBytes ?? 0) - (fromBytes ?? 0);
  };
  assert.ok(width(0) < 1);
  // Nine tenths of what lies one GB off lies within 1.645 GB on either side, and somewhat more at the end of a line.
  assert.ok(width(1) > 3.2 * GB && width(1) < 7 * GB, `${width(1) / GB}`);
});
