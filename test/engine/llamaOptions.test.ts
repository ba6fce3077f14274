import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import type { LoadOptions } from "../../server/engineSpec.ts";
import { TandemError } from "../../server/errors.ts";
import type { Engine } from "../../server/ports.ts";
import { openLlama } from "./openLlama.ts";

const MEBIBYTE = 1024 ** 2;
/** Of TinyLlama: 22 layers, 4 heads of 64 for keys and for values. */
const VALUES_OF_KEYS_AND_VALUES = (contextTokens: number) => 22 * 4 * 64 * 2 * contextTokens;
/** The buffer for computing is another one with other types, by less than this. */
const COMPUTE_BYTES = 2 * MEBIBYTE;

test("slots share the context, and what the server holds follows the types of keys and values", async () => {
  await using plain = await openLlama({ contextTokens: 2_048 });
  await using shared = await openLlama({ contextTokens: 2_048, options: withOptions({ slots: 2 }) });
  assert.deepEqual([plain.slots, plain.model.contextTokens], [1, 2_048]);
  assert.deepEqual([shared.slots, shared.model.contextTokens], [2, 1_024]);
  const small = withOptions({ keyType: "q8_0", valueType: "q8_0", flashAttention: "on" });
  await using quantised = await openLlama({ contextTokens: 2_048, options: small });
  // A value takes 2 bytes in f16, and 34 / 32 in q8_0.
  const saved = VALUES_OF_KEYS_AND_VALUES(2_048) * (2 - 34 / 32);
  const difference = heldBytes(plain) - heldBytes(quantised);
  assert.ok(Math.abs(difference - saved) < COMPUTE_BYTES, `${difference} and ${saved}`);
  assert.equal(plain.trim, null, "its keys and values are allocated once and for all");
  assert.equal(plain.placement, null);
});

test("an argument of the user's that is Tandem's own is refused before anything starts", async () => {
  const options = withOptions({ extraArguments: ["--port", "8080"] });
  await assert.rejects(
    openLlama({ options }),
    (error) => error instanceof TandemError && /--port cannot be given/.test(error.message),
  );
});

function withOptions(changes: Partial<LoadOptions>): LoadOptions {
  return { ...DEFAULT_OPTIONS, ...changes };
}

function heldBytes({ held }: Engine): number {
  assert.deepEqual(
    held?.map((it) => it.device),
    ["cpu"],
  );
  return held?.[0]?.bytes ?? 0;
}
