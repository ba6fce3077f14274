import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import { place } from "./place.ts";

test("a log that cannot be written is named, with what to do", async (t) => {
  const { start, logPath } = await place(t);
  await mkdir(logPath, { recursive: true });
  const failure = await start().catch((error: unknown) => error);
  assert.ok(failure instanceof TandemError);
  assert.equal(failure.code, "not-configured");
  assert.ok(failure.nextStep.includes(logPath));
});
