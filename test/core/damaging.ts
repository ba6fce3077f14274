import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action } from "../../server/protocol/run.ts";
import { fenced, place, testsIn } from "./placing.ts";

export interface Case {
  readonly name: string;
  readonly language: string;
  readonly action: Action;
  readonly instruction?: string;
  readonly text: string;
  /** The test file; null when there is none yet. */
  readonly tests?: string | null;
  /** A chat model's code. */
  readonly code: string;
  readonly want: RegExp | null;
}

/** A draft that does harm is objected to with these words, one that does none is not, with either line break. */
export function check({ tests: old, code, want, ...it }: Case): void {
  test(`${it.language}, ${it.action}: ${it.name}`, async () => {
    for (const lineBreak of ["\n", "\r\n"]) {
      const broken = (text: string) => text.replaceAll("\n", lineBreak);
      const tests =
        old === undefined
          ? {}
          : { companion: testsIn(it.language === "python" ? "python" : "typescript", old && broken(old)) };
      const result = await place({ ...it, ...tests, text: broken(it.text), style: "chat", answer: fenced(code) });
      if (want === null) assert.equal(result.objection, null);
      else assert.match(result.objection ?? "no objection", want);
    }
  });
}
