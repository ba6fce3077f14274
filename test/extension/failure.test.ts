import assert from "node:assert/strict";
import { test } from "node:test";
import { cancelled, failureOf } from "../../extension/failure.ts";
import { TandemError } from "../../server/errors.ts";

const data = { code: "no-space", nextStep: "Free some disk", isRetryable: false };

const cases = [
  {
    name: "an error of ours keeps its code and next step",
    error: { code: -32_050, message: "The disk is full", data },
    want: ["no-space", "The disk is full", "Free some disk"],
  },
  {
    name: "cancelled by the server",
    error: { code: -32_800, message: "x" },
    want: ["cancelled", "Cancelled", "Nothing was changed"],
  },
  {
    name: "cancelled, with our data",
    error: { code: -32_800, message: "Cancelled", data: { ...data, code: "cancelled" } },
    want: ["cancelled", "Cancelled", "Free some disk"],
  },
  {
    name: "the connection broke under it",
    error: { code: -32_097, message: "Pending response rejected since connection got disposed" },
    want: ["stopped", "The orchestrator stopped; your file is untouched", "Run it again"],
  },
  {
    name: "it is known why",
    error: { code: -32_097, message: "disposed" },
    reason: "it was ended by SIGKILL",
    want: ["stopped", "The orchestrator stopped (it was ended by SIGKILL); your file is untouched", "Run it again"],
  },
  {
    name: "the connection broke in a way of its own",
    error: new Error("write EPIPE"),
    reason: "it was killed",
    want: ["stopped", "The orchestrator stopped (it was killed); your file is untouched", "Run it again"],
  },
  {
    name: "what finding or starting it throws keeps its code and next step",
    error: new TandemError("not-configured", "It could not be started", "Look at its log"),
    want: ["not-configured", "It could not be started", "Look at its log"],
  },
  {
    name: "data of another shape is a bug",
    error: { code: -32_050, message: "odd", data: { code: 7 } },
    want: ["unexpected", "Something went wrong: odd", "See the log; your file is untouched"],
  },
  {
    name: "a plain error",
    error: new Error("boom"),
    want: ["unexpected", "Something went wrong: boom", "See the log; your file is untouched"],
  },
  {
    name: "not even an error",
    error: "boom",
    want: ["unexpected", "Something went wrong: boom", "See the log; your file is untouched"],
  },
  { name: "a failure stays what it is", error: cancelled(), want: ["cancelled", "Cancelled", "Nothing was changed"] },
];

for (const it of cases)
  test(it.name, () => {
    const { code, message, nextStep } = failureOf(it.error, it.reason ?? null);
    assert.deepEqual([code, message, nextStep], it.want);
  });

test("what the orchestrator says besides is kept", () => {
  const error = { code: -32_050, message: "leaving", data: { ...data, details: { started: false } } };
  assert.deepEqual(failureOf(error, null).details, { started: false });
});
