import assert from "node:assert/strict";
import { test } from "node:test";
import { AttemptFailed, backOffMs, refusedTry, retried } from "../../server/backends/retry.ts";
import { TandemError } from "../../server/errors.ts";
import { silentLog } from "../fakes/log.ts";
import { createVirtualTime } from "../fakes/virtualTime.ts";

const never = new AbortController().signal;
const failure = (retryAfterMs: number | null) =>
  new AttemptFailed(new TandemError("provider", "no", "wait"), { retryAfterMs });

/** What each try fails with; null: it works. */
const cases: readonly {
  name: string;
  tries: readonly (number | null | "works")[];
  deadlineMs?: number;
  random?: number;
  /** When each try began. */
  wantMs: readonly number[];
  works?: true;
}[] = [
  { name: "what works is done once", tries: ["works"], wantMs: [0], works: true },
  { name: "what cannot help is not tried again", tries: [null], wantMs: [0] },
  { name: "the wait doubles, and three tries are all", tries: [0, 0, 0], wantMs: [0, 750, 2_250] },
  {
    name: "the least that chance leaves is half",
    tries: [0, 0, "works"],
    random: 0,
    wantMs: [0, 500, 1_500],
    works: true,
  },
  { name: "the server's wait is kept, and some added", tries: [4_000, "works"], wantMs: [0, 4_750], works: true },
  { name: "a server that wants too long a wait is not waited for", tries: [15_001], wantMs: [0] },
  { name: "what would come too late is not tried", tries: [0, 0, 0], deadlineMs: 2_250, wantMs: [0, 750] },
  { name: "a deadline that is over stops the first wait", tries: [0, 0], deadlineMs: 0, wantMs: [0] },
];
for (const { name, tries, deadlineMs = 1e9, random = 0.5, wantMs, works } of cases)
  test(name, async () => {
    const timing = createVirtualTime({ random });
    const begunMs: number[] = [];
    const act = async () => {
      const outcome = tries[begunMs.length] ?? null;
      begunMs.push(timing.nowMs());
      if (outcome !== "works") throw failure(outcome);
      return "done";
    };
    const given = { timing, log: silentLog, host: "h", baseMs: 1_000, deadlineMs };
    const ended = timing.run(retried(given, act, never));
    if (works) assert.equal(await ended, "done");
    else await assert.rejects(ended, (error) => error instanceof TandemError && error.code === "provider");
    assert.deepEqual(begunMs, wantMs);
  });

test("a wait that is cancelled ends at once, without another try", async () => {
  const timing = createVirtualTime();
  const controller = new AbortController();
  let tries = 0;
  const act = async () => {
    tries++;
    setImmediate(() => controller.abort());
    throw failure(10_000);
  };
  const given = { timing, log: silentLog, host: "h", baseMs: 1_000, deadlineMs: 1e9 };
  await assert.rejects(
    retried(given, act, controller.signal),
    (error) => error instanceof TandemError && error.code === "cancelled",
  );
  assert.deepEqual([tries, timing.nowMs()], [1, 0]);
});

test("whatever chance says, a wait is between half and all of its step, and never above the most", () => {
  for (let tries = 1; tries <= 40; tries++)
    for (const random of [0, 0.25, 0.999]) {
      const ms = backOffMs(tries, { baseMs: 500, maxMs: 15_000 }, random);
      const stepMs = Math.min(15_000, 500 * 2 ** (tries - 1));
      assert.ok(ms >= stepMs / 2 && ms <= stepMs, `${tries} ${random}: ${ms}`);
    }
});

const date = "Sat, 21 Nov 2026 20:00:00 GMT";
const headers: readonly { name: string; status?: number; given: Record<string, string>; want: number | null }[] = [
  { name: "none", given: {}, want: 0 },
  { name: "seconds", given: { "retry-after": "7" }, want: 7_000 },
  {
    name: "a date, by the server's own clock",
    given: { "retry-after": "Sat, 21 Nov 2026 20:00:09 GMT", date },
    want: 9_000,
  },
  { name: "a date that is over", given: { "retry-after": "Sat, 21 Nov 2026 19:00:00 GMT", date }, want: 0 },
  { name: "negative", given: { "retry-after": "-5" }, want: 0 },
  { name: "nonsense", given: { "retry-after": "soon" }, want: 0 },
  { name: "of a server's own fault", status: 500, given: { "retry-after": "1" }, want: null },
  { name: "of a request it does not understand", status: 400, given: {}, want: null },
  { name: "of a gateway whose server is away", status: 502, given: {}, want: 0 },
  { name: "of a server that loads", status: 503, given: { "retry-after": "2" }, want: 2_000 },
];
for (const { name, status = 429, given, want } of headers)
  test(`Retry-After: ${name}`, () => {
    const error = new TandemError("provider", "no", "wait", { details: { status } });
    assert.equal(refusedTry({ status, headers: given }, { error }).retryAfterMs, want);
  });

test("a prompt that is too long is too long the next time", () => {
  const error = new TandemError("context-length", "no", "less");
  assert.equal(refusedTry({ status: 503, headers: {} }, { error }).retryAfterMs, null);
});

test("who is told to come back later is told when", () => {
  const error = new TandemError("provider", "busy", "wait", { details: { status: 429 } });
  const failed = refusedTry({ status: 429, headers: { "retry-after": "60" } }, { error });
  assert.deepEqual(failed.error.details, { status: 429, retryAfterMs: 60_000 });
});
