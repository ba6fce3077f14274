import assert from "node:assert/strict";
import { test } from "node:test";
import type { ToView } from "../../webview/messages.ts";
import { empty, reduce } from "../../webview/state.ts";
import { render, renderBlocks } from "../../webview/view.ts";

const cases: { name: string; markdown: string; has?: RegExp[]; hasNot?: RegExp[] }[] = [
  {
    name: "HTML is text",
    markdown: "a <script>alert(1)</script> <img src=x onerror=alert(1)>",
    has: [/&lt;script&gt;/],
    hasNot: [/<script/, /<img/],
  },
  { name: "links to scripts are none", markdown: "[x](javascript:alert(1)) [y](vbscript:x)", hasNot: [/<a /] },
  { name: "images are not fetched", markdown: "![x](https://example.com/a.png)", hasNot: [/<img/] },
  {
    name: "a fence of a hostile language",
    markdown: '```"><script>\ncode\n```',
    has: [/&quot;&gt;&lt;script&gt;/],
    hasNot: [/<script/],
  },
  {
    name: "code can be copied and put in",
    markdown: "```ts\nif (a < b) {}\n```",
    has: [/data-do="copy"/, /data-do="insert"/, /if \(a &lt; b\)/, /tabindex="0"/],
  },
  { name: "a fence that is still open", markdown: "```ts\nconst a", has: [/<code>const a/] },
  {
    name: "lines are buttons",
    markdown: "See lines 3-5.",
    has: [/<button type="button" class="lines" data-do="open" data-line="3" data-end="5"/],
  },
  {
    name: "also in inline code, with a path",
    markdown: "See `src/a.ts:7`.",
    has: [/<code><button[^>]* data-path="src\/a.ts" data-line="7"/],
  },
  { name: "not in blocks of code", markdown: "```\nsee line 3\n```", hasNot: [/data-do="open"/] },
  {
    name: "not inside links",
    markdown: "[line 3](https://example.com)",
    has: [/<a href="https:\/\/example.com">line 3<\/a>/],
  },
  { name: "a path cannot break out", markdown: 'x"onclick=`a.ts:3`', hasNot: [/"onclick=/] },
];

for (const it of cases)
  test(it.name, () => {
    const html = renderBlocks(it.markdown).join("");
    for (const pattern of it.has ?? []) assert.match(html, pattern);
    for (const pattern of it.hasNot ?? []) assert.doesNotMatch(html, pattern);
  });

test("blocks that stay the same are the same string", () => {
  const before = renderBlocks("# One\n\ntwo\n\n- a\n- b");
  const after = renderBlocks("# One\n\ntwo\n\n- a\n- b\n- c");
  assert.equal(before.length, 3);
  assert.deepEqual(after.slice(0, 2), before.slice(0, 2));
  assert.notEqual(after[2], before[2]);
});

test("no style of its own anywhere: the page's policy forbids it", () => {
  assert.doesNotMatch(renderBlocks("| a | b |\n|:-:|--:|\n| 1 | 2 |").join(""), /style=/);
});

const begin: ToView = { kind: "begin", title: "Ask", question: "<b>why?</b>", source: "a.ts" };

test("while it streams it can be stopped, and says what happens", () => {
  const page = render([begin, { kind: "progress", message: "drafting on cpu, line 4" } as const].reduce(reduce, empty));
  assert.match(page.header, /&lt;b&gt;why\?&lt;\/b&gt;/);
  assert.match(page.header, /drafting on cpu, line 4/);
  assert.match(page.header, /data-do="stop"/);
  assert.equal(page.announcement, "drafting on cpu", "a screen reader is not told every line");
});

test("an answer that the cloud has seen says so from the moment it may", () => {
  const messages: ToView[] = [begin, { kind: "cloud", host: "api.example.com" }, { kind: "cloud", host: "<b>" }];
  const { header } = render(messages.reduce(reduce, empty));
  assert.match(header, /<p class="cloud"><b>From the cloud<\/b> <span>seen by api\.example\.com, &lt;b&gt;: it left/);
  assert.doesNotMatch(render(reduce(empty, begin)).header, /cloud/);
  const next = render([...messages, begin].reduce(reduce, empty));
  assert.doesNotMatch(next.header, /cloud/, "the next answer is another matter");
});

test("a failure keeps the text, and says what to do", () => {
  const messages: ToView[] = [
    begin,
    { kind: "more", text: "half" },
    { kind: "failed", message: "It stopped", nextStep: "Run it again" },
  ];
  const page = render(messages.reduce(reduce, empty));
  assert.match(page.blocks.join(""), /half/);
  assert.match(page.footer, /It stopped.*Run it again.*data-do="runAgain"/s);
  assert.doesNotMatch(page.header, /stop/);
});

test("nothing was asked yet", () => {
  assert.deepEqual(render(empty), { header: "", blocks: [], footer: "", announcement: "" });
});

test("the block in which another engine went on says so, quietly, and its name is text", () => {
  const text = "one\n\ntwo, and more\n\nthree";
  const seam = { atCharacters: text.indexOf("and"), from: "large", to: "<small> on cpu", why: 'it "broke"' };
  const blocks = renderBlocks(text, [seam]);
  assert.equal(blocks.length, 3);
  assert.match(
    blocks[1] ?? "",
    /^<p class="seam" title="large broke off here: it &quot;broke&quot;">&lt;small&gt; on cpu went on here/,
  );
  assert.equal(blocks.filter((it) => it.includes("seam")).length, 1);
  const streaming = [{ kind: "more", text } as const, { kind: "seam", seam } as const].reduce<typeof empty>(
    reduce,
    empty,
  );
  assert.match(render(streaming).blocks.join(""), /went on here/);
  assert.doesNotMatch(render(reduce(streaming, { kind: "again" })).blocks.join(""), /went on here/);
});

test("a seam behind all text shows when there is more", () => {
  const seam = { atCharacters: 5, from: "a", to: "b", why: "c" };
  assert.doesNotMatch(renderBlocks("one\n\n", [seam]).join(""), /seam/);
  assert.match(renderBlocks("one\n\ntwo", [seam])[1] ?? "", /seam/);
});
