import assert from "node:assert/strict";
import { test } from "node:test";
import type { Status } from "../../../server/protocol/status.ts";
import type { ToSidebar } from "../../../webview/sidebar/messages.ts";
import { empty, reduce } from "../../../webview/sidebar/state.ts";
import { render } from "../../../webview/sidebar/view.ts";
import { GB, statusOf } from "../../fakes/statuses.ts";
import { markupOf, wordsOf } from "./markup.ts";

export const NOW_MS = 1_790_000_100_000;
export const machine = { busyPercent: 31, totalBytes: 32 * GB, freeBytes: 12 * GB };
export const running: ToSidebar = { kind: "standing", standing: { kind: "running" } };
export const status = (changes: Partial<Status>): ToSidebar => ({
  kind: "status",
  status: statusOf(changes),
  atMs: NOW_MS,
  machine,
});

export interface Row {
  readonly name: string;
  readonly told: readonly ToSidebar[];
  /** What can be read. */
  readonly reads?: readonly (string | RegExp)[];
  readonly readsNot?: readonly (string | RegExp)[];
  /** What the markup holds besides. */
  readonly has?: readonly RegExp[];
  readonly hasNot?: readonly RegExp[];
}

/** Every row is a test. */
export function checkRows(rows: readonly Row[]): void {
  for (const { name, told, reads = [], readsNot = [], has = [], hasNot = [] } of rows)
    test(name, () => {
      const page = render(told.reduce(reduce, empty));
      const words = wordsOf(page);
      for (const it of reads)
        assert.ok(words.search(it instanceof RegExp ? it : literally(it)) >= 0, `"${it}" in: ${words}`);
      for (const it of readsNot)
        assert.ok(words.search(it instanceof RegExp ? it : literally(it)) < 0, `"${it}" in: ${words}`);
      const markup = markupOf(page);
      for (const it of has) assert.match(markup, it);
      for (const it of hasNot) assert.doesNotMatch(markup, it);
      assert.doesNotMatch(markup, /\sstyle=/, "the page's policy takes no style from markup");
      assert.doesNotMatch(markup, /undefined|NaN|\[object/);
    });
}

export function held(device: string, gigabytes: number) {
  return [{ device, bytes: gigabytes * GB, isMeasured: true }];
}

function literally(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
}
