import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import type { Engine } from "../../server/ports.ts";
import { ask, textRequest } from "../backends/ask.ts";
import { linuxOnly } from "../setup/only.ts";
import { openTiny } from "./open.ts";
import { ADD } from "./prompts.ts";

const never = new AbortController().signal;
const MEBIBYTE = 1024 ** 2;
/** Of TinyLlama: 22 layers, 4 heads of 64 for keys and for values, 2 bytes each. */
const KEYS_AND_VALUES = (contextTokens: number) => 22 * 4 * 64 * 2 * 2 * contextTokens;

test("trimmed, it gives back its keys and values, and the next request is answered as before", {
  skip: linuxOnly,
}, async () => {
  const contextTokens = 2_048;
  await using engine = await openTiny({ contextTokens });
  const first = await ask(engine, textRequest(ADD, { maxTokens: 4 }));
  const before = await residentBytes(engine);
  await engine.trim?.(never);
  const freed = before - (await residentBytes(engine));
  assert.ok(freed > 0.9 * KEYS_AND_VALUES(contextTokens), `only ${Math.round(freed / MEBIBYTE)} MiB were freed`);
  await engine.trim?.(never);
  const again = await ask(engine, textRequest(ADD, { maxTokens: 4 }));
  assert.equal(again.text, first.text);
  assert.equal(again.done.cachedTokens, 0);
  const [meanwhile] = await Promise.all([
    ask(engine, textRequest(ADD, { maxTokens: 4 })),
    engine.trim?.(never),
    engine.trim?.(never),
  ]);
  assert.equal(meanwhile.text, first.text, "it is not trimmed while somebody works");
  const trimming = engine.trim?.(never);
  assert.equal((await ask(engine, textRequest(ADD, { maxTokens: 4 }))).text, first.text, "who comes meanwhile waits");
  await trimming;
});

test("what it says that it holds follows the types of keys and values", async () => {
  const contextTokens = 1_024;
  await using plain = await openTiny({ contextTokens });
  const small = { ...DEFAULT_OPTIONS, keyType: "q8_0", valueType: "q8_0", flashAttention: "on" } as const;
  await using quantised = await openTiny({ contextTokens, options: small });
  const [more, less] = [plain, quantised].map(heldBytes);
  // 34 bytes for 32 values in place of 64.
  const saved = KEYS_AND_VALUES(contextTokens) * (1 - 34 / 64);
  assert.ok(Math.abs((more ?? 0) - (less ?? 0) - saved) < 0.05 * MEBIBYTE, `${more} and ${less}`);
});

function heldBytes({ held }: Engine): number {
  assert.deepEqual(
    held?.map((it) => it.device),
    ["cpu"],
  );
  return held?.[0]?.bytes ?? 0;
}

async function residentBytes({ pid }: Engine): Promise<number> {
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]);
}
