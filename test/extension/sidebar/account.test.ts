import assert from "node:assert/strict";
import { test } from "node:test";
import markdownIt from "markdown-it";
import { accountOf } from "../../../extension/sidebar/account.ts";
import { decisionOf } from "../../fakes/statuses.ts";

const cost = { queueMs: 1.4, loadMs: 2_000, prefillMs: 30, decodeMs: 400, penaltyMs: 0, totalMs: 2_431.4 };
const candidates = [{ engine: "draft", model: "Qwen|14B", device: "cuda:0", cost, why: "loaded | idle" }];

const rows = [
  { name: "every term of what was compared", decision: { candidates }, has: /<td[^>]*>2000<\/td>[\s\S]*>2431<\/td>/ },
  { name: "a bar in a name does not add a column", decision: { candidates }, has: /<td><code>Qwen\|14B<\/code><\/td>/ },
  {
    name: "what others and heat add, where they do",
    decision: { candidates: [{ ...candidates[0], cost: { ...cost, contentionMs: 77, thermalMs: 88 } }] },
    has: /<th[^>]*>others<\/th>\s*<th[^>]*>heat<\/th>[\s\S]*>77<\/td>\s*<td[^>]*>88<\/td>/,
  },
  {
    name: "where it runs, what was expected, and who went on",
    decision: {
      ...{ backend: "endpoint", address: "10.0.0.2:8000", estimatedMs: 1_500 },
      fallbacks: [{ atCharacters: 12, from: "A", to: "B", why: "it *ended*" }],
    },
    has: /endpoint, at 10\.0\.0\.2:8000[\s\S]*done in 1\.50 s[\s\S]*at character 12 from A to B: it \*ended\*/,
  },
  { name: "no choice", decision: {}, has: /nothing was compared/ },
  { name: "it still runs", decision: { outcome: null }, has: /<td>it runs<\/td>/ },
  {
    name: "it failed",
    decision: { outcome: { kind: "failed", code: "no-memory", totalMs: 310 } },
    has: /failed after 0.31 s: no-memory/,
  },
  { name: "it was lost", decision: { outcome: { kind: "lost" } }, has: /lost: the orchestrator ended/ },
  {
    name: "names are no markup",
    decision: { model: "[x](command:evil) <b>", why: "**no**\n# heading" },
    has: /<code>\[x\]\(command:evil\) &lt;b&gt;<\/code>/,
  },
] as const;

for (const { name, decision, has } of rows)
  test(name, () => {
    const text = accountOf(decisionOf("d1", decision as Parameters<typeof decisionOf>[1]));
    const html = markdownIt({ html: true }).render(text);
    assert.match(html, has);
    assert.doesNotMatch(html, /<a |<b>|<strong>|<h1>heading/);
    assert.equal(html.match(/<h1>/g)?.length, 1);
  });
