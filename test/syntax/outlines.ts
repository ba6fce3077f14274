import assert from "node:assert/strict";
import { test } from "node:test";
import { wasmPath } from "../../server/assets.ts";
import { slice } from "../../server/core/text.ts";
import type { Declaration } from "../../server/ports.ts";
import { createSyntax } from "../../server/syntax/treeSitter.ts";

export const syntax = createSyntax({ wasmPath });

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

/** A text with a mistake, and the first error; `line` is zero-based. */
export interface Broken {
  readonly language: string;
  readonly name: string;
  readonly text: string;
  readonly line: number;
  readonly message: string;
}

export function checkBroken(it: Broken): void {
  test(`${it.language}: ${it.name}`, async () => {
    const { isKnown, errors } = await syntax.outline(it.text, it.language);
    const [first] = errors;
    assert.ok(isKnown && first, "no error was found");
    assert.equal(first.line, it.line, JSON.stringify(errors));
    assert.equal(first.message, it.message);
  });
}
