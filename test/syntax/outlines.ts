import assert from "node:assert/strict";
import { test } from "node:test";
import { slice } from "../../server/core/text.ts";
import type { Declaration } from "../../server/ports.ts";
import { createSyntax } from "../../server/syntax/treeSitter.ts";
import { wasmPathOfCheckout } from "../../server/syntax/wasmPath.ts";

export const syntax = createSyntax({ wasmPath: wasmPathOfCheckout });

/** kind, name, head, body, doc; the texts exactly as they stand in the source. */
export type Row = readonly [
  kind: Declaration["kind"],
  name: string,
  head: string,
  body: string | null,
  doc: string | null,
];

export interface Snippet {
  readonly name: string;
  readonly language: string;
  readonly text: string;
  readonly want: readonly Row[];
}

/** Every snippet parses without an error into these declarations, with either line break. */
export function check(snippet: Snippet): void {
  test(`${snippet.language}: ${snippet.name}`, async () => {
    await same(snippet, snippet.text, snippet.want);
    const crlf = (it: string) => it.replaceAll("\n", "\r\n");
    const want = snippet.want.map(
      ([kind, name, head, body, doc]): Row => [kind, name, crlf(head), body && crlf(body), doc && crlf(doc)],
    );
    await same(snippet, crlf(snippet.text), want);
  });
}

async function same(snippet: Snippet, text: string, want: readonly Row[]): Promise<void> {
  const outline = await syntax.outline(text, snippet.language);
  assert.deepEqual(outline.errors, []);
  assert.equal(outline.isKnown, true);
  assert.deepEqual(
    outline.declarations.map((it) => row(text, it)),
    want,
  );
}

export function row(text: string, it: Declaration): Row {
  const body = it.bodyRange && slice(text, it.bodyRange);
  return [it.kind, it.name, slice(text, it.headRange), body, it.docRange && slice(text, it.docRange)];
}
