import assert from "node:assert/strict";
import { test } from "node:test";
import { CASES, FLAVOURS, runFault, WAYS } from "./faultMatrix.ts";

for (const flavour of FLAVOURS)
  for (const way of WAYS)
    test(`every fault in every phase: ${flavour}, ${way}`, async () => {
      const wrong: string[] = [];
      for (const it of CASES) {
        const result = await runFault(it, { flavour, way, requests: 1 });
        wrong.push(...result.wrong.map((what) => `${it.fault}, ${it.phase}: ${what}`));
      }
      assert.deepEqual(wrong, []);
    });
